// System calls that Swift cannot name well: macros, packed structs, variadic functions.
// Everything here is `static inline`, so that a call costs what the call itself costs.
#ifndef CLINUX_H
#define CLINUX_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// Declared here, since _GNU_SOURCE would give glibc's headers another shape than Swift's Glibc module has.
extern int accept4(int, struct sockaddr *, socklen_t *, int);

enum {
  CLINUX_IN = EPOLLIN,
  CLINUX_OUT = EPOLLOUT,
  CLINUX_HANGUP = EPOLLRDHUP | EPOLLHUP | EPOLLERR,
  CLINUX_BROKEN = EPOLLERR,
};

/// Nanoseconds of CLOCK_MONOTONIC.
static inline uint64_t clinux_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/// Registers `fd` edge-triggered; `wants_out` also asks for writability.
static inline int clinux_epoll_add(int epoll, int fd, uint64_t token, int wants_out) {
  struct epoll_event event;
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET | (wants_out ? EPOLLOUT : 0);
  event.data.u64 = token;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/// Registers `fd` level-triggered for reading (listeners, signals, wake-ups).
static inline int clinux_epoll_add_level(int epoll, int fd, uint64_t token) {
  struct epoll_event event;
  event.events = EPOLLIN;
  event.data.u64 = token;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static inline int clinux_epoll_modify(int epoll, int fd, uint64_t token, int wants_out) {
  struct epoll_event event;
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET | (wants_out ? EPOLLOUT : 0);
  event.data.u64 = token;
  return epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
}

/// Registers or changes edge-triggered: always for the peer's end, and for what else is wanted.
static inline int clinux_epoll_set(int epoll, int fd, uint64_t token, int is_new, int wants_in, int wants_out) {
  struct epoll_event event;
  event.events = EPOLLRDHUP | EPOLLET | (wants_in ? EPOLLIN : 0) | (wants_out ? EPOLLOUT : 0);
  event.data.u64 = token;
  return epoll_ctl(epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
}

static inline int clinux_epoll_remove(int epoll, int fd) { return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, 0); }

/// A non-blocking stream socket of the family, closed on exec.
static inline int clinux_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

static inline int clinux_accept(int listener, struct sockaddr *address, socklen_t *length) {
  return accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static inline int clinux_set_int(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value);
}

/// No delay, keepalive after a minute, and `user_timeout_ms` for unacknowledged data (0: the system's own).
static inline void clinux_tune_tcp(int fd, int user_timeout_ms) {
  clinux_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  clinux_set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  clinux_set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  clinux_set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  if (user_timeout_ms > 0) clinux_set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout_ms);
}

/// The pending error of a socket whose connect was under way; 0 when it is connected.
static inline int clinux_socket_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return errno;
  return error;
}

/// A signalfd for the signals, which are blocked for the calling thread and all it starts later.
static inline int clinux_signal_fd(const int *signals, int count) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
  if (pthread_sigmask(SIG_BLOCK, &set, 0) != 0) return -1;
  return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/// The next signal waiting in the signalfd, or 0.
static inline int clinux_next_signal(int fd) {
  struct signalfd_siginfo info;
  return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

/// Sends the text as one datagram to a Unix socket, whose path may begin with `@` for one without a file. 0 when it was
/// taken; whoever does not take it at once misses it.
static inline int clinux_send_notice(const char *path, const char *text) {
  struct sockaddr_un address;
  size_t length = strlen(path);
  if (length < 2 || length >= sizeof address.sun_path) return -1;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = 0;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  ssize_t sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
  close(fd);
  return sent < 0 ? -1 : 0;
}

/// Who is at the other end of a connected Unix socket: the user's number; -1 when the kernel does not say.
static inline int64_t clinux_peer_uid(int fd) {
  // struct ucred of unix(7), which glibc shows under _GNU_SOURCE only.
  struct { pid_t process; uid_t user; gid_t group; } peer;
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 || length != sizeof peer) return -1;
  return (int64_t)peer.user;
}

static inline int clinux_event_fd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

/// Raises the soft limit on open files to the hard one; returns the limit in force.
static inline uint64_t clinux_raise_file_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

/// How many processors this process may run on; 1 at least.
static inline int clinux_processors(void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? (int)count : 1;
}

/// An unguessable number (getrandom's pool).
static inline uint32_t clinux_random32(void) { return arc4random(); }

/// Fills in the address of a Unix socket; 0 when the path is too long (107 bytes at most).
static inline socklen_t clinux_unix_address(struct sockaddr_un *address, const char *path) {
  size_t length = strlen(path);
  if (length >= sizeof address->sun_path) return 0;
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, path, length + 1);
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

#endif
