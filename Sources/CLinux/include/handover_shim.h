// A process that takes over from this one, and the socket between the two.
#ifndef CLINUX_HANDOVER_H
#define CLINUX_HANDOVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// A pair of sockets that keep messages whole (SOCK_SEQPACKET), non-blocking and closed on exec. 0 or an errno.
int clinux_message_pair(int *ours, int *theirs);

/// Starts `program`. `arguments` and `variables` are texts that each end with a zero byte, one after the other. The
/// descriptors become 3, 4, … of the new process, which has no others but the standard ones and blocks no signals.
/// The process's number, or a negative errno.
int64_t clinux_start(const char *program, const char *arguments, size_t argument_count, const char *variables,
                     size_t variable_count, const int *descriptors, size_t descriptor_count);

/// Sends one message, with a descriptor unless `fd` is negative. 0 or an errno.
int clinux_send_message(int socket, const void *bytes, size_t count, int fd);

/// Receives one message; `*fd` is what came with it, or -1. Its length, 0 at the end, or a negative errno.
int64_t clinux_receive_message(int socket, void *bytes, size_t capacity, int *fd);

/// 1 once the child has ended; it is reaped then.
int clinux_has_ended(int64_t process);

#endif
