#define _GNU_SOURCE
#include "spawn_shim.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct list {
  char **items;
  size_t count;
};

struct clinux_child {
  char *program;
  struct list arguments;
  struct list variables;
  char *folder;
  bool has_user;
  uid_t user;
  gid_t group;
  bool is_detached;
  int output;
  int death_signal;

  pthread_t keeper;
  bool has_keeper;
  sem_t started;
  int stage;
  int code;

  pthread_mutex_t lock;  // guards the next three
  pid_t pid;
  bool has_ended;
  int status;

  int end_read;
  int end_write;
};

struct report {
  int stage;
  int code;
};

static void append(struct list *list, const char *text) {
  // Two more: the new one and the NULL that exec wants at the end.
  char **items = realloc(list->items, (list->count + 2) * sizeof(char *));
  if (!items) abort();
  list->items = items;
  items[list->count] = NULL;
  if (text) {
    items[list->count] = strdup(text);
    if (!items[list->count]) abort();
    list->count += 1;
    items[list->count] = NULL;
  }
}

static void release(struct list *list) {
  for (size_t i = 0; i < list->count; i++) free(list->items[i]);
  free(list->items);
}

clinux_child *clinux_child_new(const char *program) {
  clinux_child *child = calloc(1, sizeof *child);
  if (!child) abort();
  child->program = strdup(program);
  append(&child->arguments, NULL);
  append(&child->variables, NULL);
  child->output = -1;
  child->end_read = child->end_write = -1;
  child->death_signal = SIGKILL;
  pthread_mutex_init(&child->lock, NULL);
  sem_init(&child->started, 0, 0);
  return child;
}

void clinux_child_add_argument(clinux_child *child, const char *argument) { append(&child->arguments, argument); }

void clinux_child_add_variable(clinux_child *child, const char *variable) { append(&child->variables, variable); }

void clinux_child_set_folder(clinux_child *child, const char *folder) {
  free(child->folder);
  child->folder = strdup(folder);
}

void clinux_child_set_user(clinux_child *child, uint32_t user, uint32_t group) {
  child->has_user = true;
  child->user = user;
  child->group = group;
}

void clinux_child_set_detached(clinux_child *child, int32_t output) {
  child->is_detached = true;
  child->output = output;
}

void clinux_child_set_death_signal(clinux_child *child, int32_t signal) { child->death_signal = signal; }

static void give_up(int report_to, int stage) {
  struct report report = {stage, errno};
  ssize_t ignored = write(report_to, &report, sizeof report);
  (void)ignored;
  _exit(127);
}

// Between fork and exec: only calls that are safe after a fork of a threaded process.
static void become(const clinux_child *child, pid_t parent, int report_to) {
  if (child->is_detached) {
    setsid();
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(child->output, 1) < 0 || dup2(child->output, 2) < 0)
      give_up(report_to, CLINUX_CHILD_NO_RESOURCES);
    // Whatever else we were started with is not the child's; CLOSE_RANGE_CLOEXEC leaves report_to open till exec.
    syscall(SYS_close_range, 3, ~0u, 4u);
  }
  if (child->has_user
      && (setgroups(0, NULL) != 0 || setgid(child->group) != 0 || setuid(child->user) != 0))
    give_up(report_to, CLINUX_CHILD_NO_STEP_DOWN);
  // After the change of user, which clears it. If the parent went in between, the signal will never come.
  prctl(PR_SET_PDEATHSIG, child->death_signal);
  if (getppid() != parent) _exit(127);
  if (child->folder && chdir(child->folder) != 0) give_up(report_to, CLINUX_CHILD_NO_FOLDER);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  // What is ignored stays ignored over exec, and the child did not ask for that.
  signal(SIGPIPE, SIG_DFL);
  execvpe(child->program, child->arguments.items, child->variables.items);
  give_up(report_to, CLINUX_CHILD_NO_PROGRAM);
}

static pid_t start(clinux_child *child) {
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC) != 0) {
    child->stage = CLINUX_CHILD_NO_RESOURCES;
    child->code = errno;
    return -1;
  }
  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid == 0) become(child, parent, pipes[1]);
  child->code = errno;
  close(pipes[1]);
  struct report report = {CLINUX_CHILD_NO_RESOURCES, child->code};
  ssize_t count = 0;
  if (pid > 0) {
    do count = read(pipes[0], &report, sizeof report);
    while (count < 0 && errno == EINTR);
  }
  close(pipes[0]);
  if (pid > 0 && count != sizeof report) return pid;  // the pipe closed by itself: exec has happened
  if (pid > 0) waitpid(pid, NULL, 0);
  child->stage = report.stage;
  child->code = report.code;
  return -1;
}

static void *keep(void *context) {
  clinux_child *child = context;
  pid_t pid = start(child);
  pthread_mutex_lock(&child->lock);
  child->pid = pid;
  child->has_ended = pid < 0;
  pthread_mutex_unlock(&child->lock);
  sem_post(&child->started);
  if (pid > 0) {
    // Look first and reap under the lock, so that nobody signals a number that has been given away.
    siginfo_t info;
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {}
    pthread_mutex_lock(&child->lock);
    waitpid(pid, &child->status, 0);
    child->has_ended = true;
    pthread_mutex_unlock(&child->lock);
  }
  close(child->end_write);
  return NULL;
}

int32_t clinux_child_start(clinux_child *child, int32_t *code) {
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC) != 0) {
    *code = errno;
    return CLINUX_CHILD_NO_RESOURCES;
  }
  child->end_read = pipes[0];
  child->end_write = pipes[1];
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failure = pthread_create(&child->keeper, NULL, keep, child);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failure) {
    close(child->end_write);
    *code = failure;
    return CLINUX_CHILD_NO_RESOURCES;
  }
  child->has_keeper = true;
  while (sem_wait(&child->started) != 0) {}
  *code = child->code;
  return child->stage;
}

int32_t clinux_child_pid(const clinux_child *child) { return child->pid; }

int32_t clinux_child_end_descriptor(const clinux_child *child) { return child->end_read; }

bool clinux_child_has_ended(clinux_child *child, int32_t *status) {
  pthread_mutex_lock(&child->lock);
  bool has_ended = child->has_ended;
  *status = child->status;
  pthread_mutex_unlock(&child->lock);
  return has_ended;
}

void clinux_child_signal(clinux_child *child, int32_t signal) {
  pthread_mutex_lock(&child->lock);
  if (child->pid > 0 && !child->has_ended) kill(child->pid, signal);
  pthread_mutex_unlock(&child->lock);
}

void clinux_child_free(clinux_child *child) {
  if (child->has_keeper) pthread_join(child->keeper, NULL);
  if (child->end_read >= 0) close(child->end_read);
  release(&child->arguments);
  release(&child->variables);
  free(child->program);
  free(child->folder);
  sem_destroy(&child->started);
  pthread_mutex_destroy(&child->lock);
  free(child);
}
