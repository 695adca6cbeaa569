#define _GNU_SOURCE
#include "spawn_shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static sigset_t termination_signals(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  sigaddset(&signals, SIGQUIT);
  return signals;
}

int32_t clinux_termination_open(void) {
  sigset_t signals = termination_signals();
  int descriptor = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor >= 0) pthread_sigmask(SIG_BLOCK, &signals, NULL);
  return descriptor;
}

void clinux_termination_release(void) {
  sigset_t signals = termination_signals();
  pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

int32_t clinux_termination_read(int32_t descriptor, bool *from_terminal) {
  struct signalfd_siginfo info;
  if (read(descriptor, &info, sizeof info) != sizeof info) return 0;
  *from_terminal = info.ssi_code == SI_KERNEL;
  return (int32_t)info.ssi_signo;
}

bool clinux_find_user(const char *name, uint32_t *user, uint32_t *group) {
  struct passwd entry, *found = NULL;
  char text[16384];
  if (getpwnam_r(name, &entry, text, sizeof text, &found) != 0 || !found) return false;
  *user = found->pw_uid;
  *group = found->pw_gid;
  return true;
}

const char *clinux_variable(int32_t index) { return environ ? environ[index] : NULL; }

int32_t clinux_free_port(void) {
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return 0;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  bool found = bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0
    && getsockname(descriptor, (struct sockaddr *)&address, &length) == 0;
  close(descriptor);
  return found ? ntohs(address.sin_port) : 0;
}

bool clinux_has_locale(const char *name) {
  locale_t locale = newlocale(LC_ALL_MASK, name, (locale_t)0);
  if (locale == (locale_t)0) return false;
  freelocale(locale);
  return true;
}

// Everything goes through descriptors, so that a folder exchanged for a link leads nowhere.
static int empty(int folder) {
  DIR *listing = fdopendir(folder);
  if (!listing) {
    int code = errno;
    close(folder);
    return code;
  }
  int result = 0;
  struct dirent *entry;
  while ((entry = readdir(listing))) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (unlinkat(dirfd(listing), entry->d_name, 0) == 0 || errno == ENOENT) continue;
    int inner = openat(dirfd(listing), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int code = inner < 0 ? errno : empty(inner);
    if (code == 0 && unlinkat(dirfd(listing), entry->d_name, AT_REMOVEDIR) != 0 && errno != ENOENT) code = errno;
    if (code != 0) result = code;
  }
  closedir(listing);
  return result;
}

int32_t clinux_remove_tree(const char *path) {
  int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0) return errno == ENOENT ? 0 : errno;
  int code = empty(folder);
  if (code == 0 && rmdir(path) != 0 && errno != ENOENT) code = errno;
  return code;
}

clinux_listing *clinux_listing_open(const char *path) { return (clinux_listing *)opendir(path); }

const char *clinux_listing_next(clinux_listing *listing) {
  struct dirent *entry;
  do entry = readdir((DIR *)listing);
  while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
  return entry ? entry->d_name : NULL;
}

void clinux_listing_close(clinux_listing *listing) { closedir((DIR *)listing); }
