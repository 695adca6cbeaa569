// Child processes that cannot outlive us, and the few calls around them that Swift cannot make without pointers.
#ifndef CLINUX_SPAWN_SHIM_H
#define CLINUX_SPAWN_SHIM_H

#include <stdbool.h>
#include <stdint.h>

/// A child process, from its description to its end. Owned by one caller: made by `_new`, freed by `_free`.
typedef struct clinux_child clinux_child;

/// Where a start failed.
enum {
  CLINUX_CHILD_STARTED = 0,
  CLINUX_CHILD_NO_RESOURCES,
  CLINUX_CHILD_NO_STEP_DOWN,
  CLINUX_CHILD_NO_FOLDER,
  CLINUX_CHILD_NO_PROGRAM,
};

/// `program` is a path, or a name that is looked for in PATH.
clinux_child *clinux_child_new(const char *program);

/// Adds an argument; the first is the name that the program sees as its own.
void clinux_child_add_argument(clinux_child *child, const char *argument);

/// Adds a `NAME=value`; the child has these variables and no others.
void clinux_child_add_variable(clinux_child *child, const char *variable);

/// The folder it starts in.
void clinux_child_set_folder(clinux_child *child, const char *folder);

/// The user and group it runs as; only root can ask for that.
void clinux_child_set_user(clinux_child *child, uint32_t user, uint32_t group);

/// In a session of its own, away from the terminal's signals, with stdin closed and both outputs in `output`.
void clinux_child_set_detached(clinux_child *child, int32_t output);

/// The signal the kernel sends it when this process ends in whatever way. Default SIGKILL.
void clinux_child_set_death_signal(clinux_child *child, int32_t signal);

/// Starts it. A thread of ours stays its parent until it ends: the kernel's death signal belongs to the thread.
/// Returns one of the values above; `*code` is then errno.
int32_t clinux_child_start(clinux_child *child, int32_t *code);

int32_t clinux_child_pid(const clinux_child *child);

/// A descriptor that becomes readable (at its end) when the child has ended; closed by `_free`.
int32_t clinux_child_end_descriptor(const clinux_child *child);

/// Whether it has ended; if so `*status` is what waitpid gave.
bool clinux_child_has_ended(clinux_child *child, int32_t *status);

/// Sends a signal, unless it has ended: its number may be another's by then.
void clinux_child_signal(clinux_child *child, int32_t signal);

/// Waits for the end, then frees.
void clinux_child_free(clinux_child *child);

/// Blocks SIGINT, SIGTERM, SIGHUP and SIGQUIT in this thread and those it makes later, and returns a descriptor
/// to read them from; -1 on failure. Children start with nothing blocked, and SIGPIPE as usual.
int32_t clinux_termination_open(void);

/// The next such signal, 0 when there is none. `*from_terminal` says that a key press sent it, and so sent it
/// to the whole foreground group and not only to us.
int32_t clinux_termination_read(int32_t descriptor, bool *from_terminal);

/// Such signals end the process again, as if ``clinux_termination_open`` had never been called.
void clinux_termination_release(void);

/// The user called `name`; false when there is none.
bool clinux_find_user(const char *name, uint32_t *user, uint32_t *group);

/// The `index`th `NAME=value` of this process; NULL after the last.
const char *clinux_variable(int32_t index);

/// A TCP port of 127.0.0.1 that nobody has at this moment; 0 when there is none.
int32_t clinux_free_port(void);

/// Whether this machine has a locale of that name.
bool clinux_has_locale(const char *name);

/// Removes a folder and everything in it, following no symbolic link. Returns 0 or errno.
int32_t clinux_remove_tree(const char *path);

/// The names in a folder, one at a time.
typedef struct clinux_listing clinux_listing;
clinux_listing *clinux_listing_open(const char *path);
/// The next name but `.` and `..`, valid until the next call; NULL after the last.
const char *clinux_listing_next(clinux_listing *listing);
void clinux_listing_close(clinux_listing *listing);

#endif
