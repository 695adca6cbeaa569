#define _GNU_SOURCE
#include "handover_shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int clinux_message_pair(int *ours, int *theirs) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) return errno;
  *ours = pair[0];
  *theirs = pair[1];
  return 0;
}

// Pointers to the texts that lie one after the other, and a NULL.
static char **pointers_to(const char *texts, size_t count) {
  char **pointers = calloc(count + 1, sizeof(char *));
  if (!pointers) return NULL;
  for (size_t i = 0; i < count; i++) {
    pointers[i] = (char *)texts;
    texts += strlen(texts) + 1;
  }
  return pointers;
}

int64_t clinux_start(const char *program, const char *arguments, size_t argument_count, const char *variables,
                     size_t variable_count, const int *descriptors, size_t descriptor_count) {
  char **argv = pointers_to(arguments, argument_count);
  char **envp = pointers_to(variables, variable_count);
  int *copies = calloc(descriptor_count + 1, sizeof(int));
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  pid_t process = -1;
  int code = argv && envp && copies ? 0 : ENOMEM;
  size_t copied = 0;
  // Out of the way of the numbers that they are to have.
  for (; code == 0 && copied < descriptor_count; copied++) {
    copies[copied] = fcntl(descriptors[copied], F_DUPFD_CLOEXEC, (int)(3 + descriptor_count));
    if (copies[copied] < 0) {
      code = errno;
      break;
    }
    code = posix_spawn_file_actions_adddup2(&actions, copies[copied], (int)(3 + copied));
  }
  // Not all libraries close theirs on exec.
  if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(&actions, (int)(3 + descriptor_count));
  sigset_t none;
  sigemptyset(&none);
  if (code == 0) code = posix_spawnattr_setsigmask(&attributes, &none);
  if (code == 0) code = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  if (code == 0) code = posix_spawn(&process, program, &actions, &attributes, argv, envp);
  for (size_t i = 0; i < copied; i++) close(copies[i]);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  free(argv);
  free(envp);
  free(copies);
  return code == 0 ? process : -code;
}

int clinux_send_message(int socket, const void *bytes, size_t count, int fd) {
  struct iovec part = {(void *)bytes, count};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (fd >= 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(int));
  }
  for (;;) {
    if (sendmsg(socket, &message, MSG_NOSIGNAL) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

int64_t clinux_receive_message(int socket, void *bytes, size_t capacity, int *fd) {
  struct iovec part = {bytes, capacity};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  *fd = -1;
  ssize_t count;
  do {
    count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return -errno;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
      memcpy(fd, CMSG_DATA(header), sizeof(int));
  }
  // Cut off: no message of ours.
  if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
    return -EMSGSIZE;
  }
  return count;
}

int clinux_has_ended(int64_t process) { return waitpid((pid_t)process, NULL, WNOHANG) == (pid_t)process; }
