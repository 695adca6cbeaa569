// io_uring(7) without liburing: the two rings that process and kernel share, and rings of buffers for what is received.
// The kernel's header may be older than the kernel, so what came after Linux 5.4 is named here by itself.
#ifndef CLINUX_RING_SHIM_H
#define CLINUX_RING_SHIM_H

#include <errno.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

extern long syscall(long, ...);

enum {
  // io_uring_setup(2)
  CLINUX_RING_SETUP_CQSIZE = 1 << 3,
  CLINUX_RING_SETUP_SUBMIT_ALL = 1 << 7,     // Linux 5.18
  CLINUX_RING_SETUP_SINGLE_ISSUER = 1 << 12, // Linux 6.0
  CLINUX_RING_SETUP_DEFER_TASKRUN = 1 << 13, // Linux 6.1
  CLINUX_RING_FEATURES = 1 << 0 /* one mapping */ | 1 << 1 /* nothing dropped */ | 1 << 8 /* timeout of a wait */,
  // io_uring_enter(2)
  CLINUX_RING_GETEVENTS = 1 << 0,
  CLINUX_RING_EXT_ARG = 1 << 3,
  CLINUX_RING_REGISTERED = 1 << 4, // Linux 5.18
  // io_uring_register(2)
  CLINUX_RING_REGISTER_FD = 20,      // Linux 5.18
  CLINUX_RING_UNREGISTER_FD = 21,
  CLINUX_RING_REGISTER_BUFFERS = 22, // Linux 5.19
  CLINUX_RING_SYNC_CANCEL = 24,      // Linux 6.0
  // Operations and their flags.
  CLINUX_RING_POLL_ADD = 6,
  CLINUX_RING_ASYNC_CANCEL = 14,
  CLINUX_RING_SEND = 26,
  CLINUX_RING_RECV = 27,
  CLINUX_RING_RECV_MULTISHOT = 1 << 1, // Linux 6.0
  CLINUX_RING_BUFFER_SELECT = 1 << 5,
  CLINUX_RING_CANCEL_ALL = 1 << 0,
  CLINUX_RING_CANCEL_ANY = 1 << 2,
  // Of a completion.
  CLINUX_RING_HAS_BUFFER = 1 << 0,
  CLINUX_RING_HAS_MORE = 1 << 1,
};

/// One io_uring. Made by `clinux_ring_open` and used by that thread only; ended by `clinux_ring_close`.
typedef struct {
  int fd;
  /// What the kernel is entered by: the descriptor, or a number that it finds the ring by without looking that up.
  int entrance;
  uint32_t entrance_flags;
  /// Requests up to here are filled in; the kernel is told on entering.
  uint32_t tail;
  uint32_t submission_mask, completion_mask;
  uint32_t *kernel_head, *kernel_tail;
  uint32_t *completion_head, *completion_tail;
  struct io_uring_sqe *requests;
  struct io_uring_cqe *completions;
  void *memory;
  size_t memory_size, requests_size;
} clinux_ring;

/// What became of a request.
typedef struct {
  uint64_t token;
  /// A count of bytes, or an errno below zero.
  int32_t result;
  uint32_t flags;
} clinux_completion;

/// struct io_uring_rsrc_update
typedef struct {
  uint32_t offset, reserved;
  uint64_t fd;
} clinux_ring_registration;

/// Has the kernel remember the ring for the calling thread, so that entering costs it no look at a shared table.
/// That it declines is no harm.
static inline void clinux_ring_register(clinux_ring *ring) {
  clinux_ring_registration registration = {.offset = UINT32_MAX, .fd = (uint64_t)ring->fd};
  if (syscall(__NR_io_uring_register, ring->fd, CLINUX_RING_REGISTER_FD, &registration, 1) != 1) return;
  ring->entrance = (int)registration.offset;
  ring->entrance_flags = CLINUX_RING_REGISTERED;
}

static inline void clinux_ring_close(clinux_ring *ring) {
  if (ring->fd < 0) return;
  // Nothing may be received any more into memory that is about to be freed.
  struct {
    uint64_t token;
    int32_t fd;
    uint32_t flags;
    int64_t seconds, nanoseconds;
    uint64_t reserved[4];
  } all = {.fd = -1, .flags = CLINUX_RING_CANCEL_ALL | CLINUX_RING_CANCEL_ANY, .seconds = 1};
  syscall(__NR_io_uring_register, ring->fd, CLINUX_RING_SYNC_CANCEL, &all, 1);
  // The thread's own hold on the ring would outlive its descriptor.
  if (ring->entrance_flags) {
    clinux_ring_registration registration = {.offset = (uint32_t)ring->entrance};
    syscall(__NR_io_uring_register, ring->fd, CLINUX_RING_UNREGISTER_FD, &registration, 1);
  }
  if (ring->requests) munmap(ring->requests, ring->requests_size);
  if (ring->memory) munmap(ring->memory, ring->memory_size);
  close(ring->fd);
  ring->fd = -1;
}

/// Tells the kernel of all requests, and waits until `wait` completions are there or the time is over (< 0: never).
/// Returns errno or 0; requests may have been taken in both cases.
static inline int clinux_ring_enter(clinux_ring *ring, uint32_t wait, int64_t nanoseconds) {
  __atomic_store_n(ring->kernel_tail, ring->tail, __ATOMIC_RELEASE);
  uint32_t count = ring->tail - __atomic_load_n(ring->kernel_head, __ATOMIC_ACQUIRE);
  int64_t time[2] = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  struct {
    uint64_t signals;
    uint32_t signals_size, reserved;
    uint64_t time;
  } argument = {.time = nanoseconds < 0 ? 0 : (uint64_t)(uintptr_t)time};
  long got = syscall(
    __NR_io_uring_enter, ring->entrance, count, wait,
    CLINUX_RING_GETEVENTS | CLINUX_RING_EXT_ARG | ring->entrance_flags, &argument, sizeof argument);
  return got < 0 ? errno : 0;
}

/// Tells the kernel of all requests, and returns when it has tried each once.
static inline int clinux_ring_submit(clinux_ring *ring) {
  __atomic_store_n(ring->kernel_tail, ring->tail, __ATOMIC_RELEASE);
  uint32_t count = ring->tail - __atomic_load_n(ring->kernel_head, __ATOMIC_ACQUIRE);
  return syscall(__NR_io_uring_enter, ring->entrance, count, 0, ring->entrance_flags, 0, 0) < 0 ? errno : 0;
}

/// Requests that the kernel has not been told of.
static inline uint32_t clinux_ring_pending(const clinux_ring *ring) {
  return ring->tail - __atomic_load_n(ring->kernel_head, __ATOMIC_ACQUIRE);
}

/// `entries` and `completions`: powers of two. Returns errno or 0; `ring->fd` is -1 unless it is open.
static inline int clinux_ring_open(clinux_ring *ring, uint32_t entries, uint32_t completions) {
  memset(ring, 0, sizeof *ring);
  ring->fd = -1;
  struct io_uring_params params = {
    .cq_entries = completions,
    .flags = CLINUX_RING_SETUP_CQSIZE | CLINUX_RING_SETUP_SUBMIT_ALL | CLINUX_RING_SETUP_SINGLE_ISSUER
      | CLINUX_RING_SETUP_DEFER_TASKRUN,
  };
  int fd = (int)syscall(__NR_io_uring_setup, entries, &params);
  if (fd < 0) return errno;
  ring->fd = ring->entrance = fd;
  int code = EOPNOTSUPP;
  if ((params.features & CLINUX_RING_FEATURES) != CLINUX_RING_FEATURES) goto failed;
  size_t submissions_end = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
  size_t completions_end = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
  ring->memory_size = submissions_end > completions_end ? submissions_end : completions_end;
  char *memory = (char *)mmap(
    0, ring->memory_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING);
  if (memory == MAP_FAILED) { code = errno; goto failed; }
  ring->memory = memory;
  ring->requests_size = params.sq_entries * sizeof(struct io_uring_sqe);
  void *requests =
    mmap(0, ring->requests_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQES);
  if (requests == MAP_FAILED) { code = errno; goto failed; }
  ring->requests = (struct io_uring_sqe *)requests;
  ring->kernel_head = (uint32_t *)(memory + params.sq_off.head);
  ring->kernel_tail = (uint32_t *)(memory + params.sq_off.tail);
  ring->submission_mask = params.sq_entries - 1;
  // The n-th request always lies at n.
  uint32_t *order = (uint32_t *)(memory + params.sq_off.array);
  for (uint32_t n = 0; n < params.sq_entries; n++) order[n] = n;
  ring->completion_head = (uint32_t *)(memory + params.cq_off.head);
  ring->completion_tail = (uint32_t *)(memory + params.cq_off.tail);
  ring->completion_mask = params.cq_entries - 1;
  ring->completions = (struct io_uring_cqe *)(memory + params.cq_off.cqes);
  // A filter of system calls may allow one and forbid the next.
  code = clinux_ring_enter(ring, 0, 0);
  if (code != 0) goto failed;
  clinux_ring_register(ring);
  return 0;
failed:
  clinux_ring_close(ring);
  return code;
}

static inline bool clinux_ring_is_full(const clinux_ring *ring) {
  return clinux_ring_pending(ring) > ring->submission_mask;
}

/// A fresh request. The ring is not full.
static inline struct io_uring_sqe *clinux_ring_request(
  clinux_ring *ring, uint8_t operation, int fd, uint64_t token
) {
  struct io_uring_sqe *request = &ring->requests[ring->tail++ & ring->submission_mask];
  memset(request, 0, sizeof *request);
  request->opcode = operation;
  request->fd = fd;
  request->user_data = token;
  return request;
}

/// Receives into buffers of the group, again and again, until it is cancelled or the stream ends.
static inline void clinux_ring_receive(clinux_ring *ring, int fd, uint16_t group, uint64_t token) {
  struct io_uring_sqe *request = clinux_ring_request(ring, CLINUX_RING_RECV, fd, token);
  request->ioprio = CLINUX_RING_RECV_MULTISHOT;
  request->flags = CLINUX_RING_BUFFER_SELECT;
  request->buf_group = group;
}

/// Sends what the socket takes at once. The bytes stay until it has completed, which is in the same `enter`.
static inline void clinux_ring_send(
  clinux_ring *ring, int fd, const void *bytes, uint32_t count, uint64_t token
) {
  struct io_uring_sqe *request = clinux_ring_request(ring, CLINUX_RING_SEND, fd, token);
  request->addr = (uint64_t)(uintptr_t)bytes;
  request->len = count;
  request->msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
}

/// The last request, a send that the kernel has not been told of, sends `extra` more bytes behind its own.
static inline void clinux_ring_lengthen(clinux_ring *ring, uint32_t extra) {
  ring->requests[(ring->tail - 1) & ring->submission_mask].len += extra;
}

/// Completes once, when `fd` is readable.
static inline void clinux_ring_poll(clinux_ring *ring, int fd, uint64_t token) {
  struct io_uring_sqe *request = clinux_ring_request(ring, CLINUX_RING_POLL_ADD, fd, token);
  request->poll32_events = 1;  // POLLIN
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  request->poll32_events <<= 16;
#endif
}

static inline void clinux_ring_cancel(clinux_ring *ring, uint64_t victim, uint64_t token) {
  clinux_ring_request(ring, CLINUX_RING_ASYNC_CANCEL, -1, token)->addr = victim;
}

/// The next completion; false when there is none.
static inline bool clinux_ring_next(clinux_ring *ring, clinux_completion *completion) {
  uint32_t head = *ring->completion_head;
  if (head == __atomic_load_n(ring->completion_tail, __ATOMIC_ACQUIRE)) return false;
  const struct io_uring_cqe *entry = &ring->completions[head & ring->completion_mask];
  completion->token = entry->user_data;
  completion->result = entry->res;
  completion->flags = entry->flags;
  __atomic_store_n(ring->completion_head, head + 1, __ATOMIC_RELEASE);
  return true;
}

/// struct io_uring_buf; where the first one's last field lies, the kernel reads the tail.
struct clinux_buffer {
  uint64_t address;
  uint32_t size;
  uint16_t number;
  uint16_t tail;
};

/// Buffers that the kernel receives into, all of one size.
typedef struct {
  struct clinux_buffer *ring;
  uint8_t *bytes;
  uint32_t count, size, stride;
  uint16_t tail;
} clinux_buffers;

/// Gives a buffer (back) to the kernel.
static inline void clinux_buffers_give(clinux_buffers *buffers, uint16_t number) {
  struct clinux_buffer *entry = &buffers->ring[buffers->tail & (buffers->count - 1)];
  entry->address = (uint64_t)(uintptr_t)(buffers->bytes + (size_t)number * buffers->stride);
  entry->size = buffers->size;
  entry->number = number;
  buffers->tail++;
  __atomic_store_n(&buffers->ring[0].tail, buffers->tail, __ATOMIC_RELEASE);
}

static inline void clinux_buffers_free(clinux_buffers *buffers) {
  if (buffers->ring) munmap(buffers->ring, buffers->count * sizeof(struct clinux_buffer));
  if (buffers->bytes) munmap(buffers->bytes, (size_t)buffers->count * buffers->stride);
  memset(buffers, 0, sizeof *buffers);
}

/// `count`: a power of two, 32,768 at most. Memory that is not received into costs nothing. Returns errno or 0.
static inline int clinux_buffers_open(
  clinux_buffers *buffers, const clinux_ring *ring, uint16_t group, uint32_t count, uint32_t size
) {
  memset(buffers, 0, sizeof *buffers);
  buffers->count = count;
  buffers->size = size;
  // Beginnings that are a power of two apart would share a few lines of the processor's cache.
  buffers->stride = size + 192;
  void *memory = mmap(
    0, count * sizeof(struct clinux_buffer), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return errno;
  buffers->ring = (struct clinux_buffer *)memory;
  memory = mmap(
    0, (size_t)count * buffers->stride, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
    -1, 0);
  if (memory == MAP_FAILED) {
    int code = errno;
    clinux_buffers_free(buffers);
    return code;
  }
  buffers->bytes = (uint8_t *)memory;
  struct {
    uint64_t address;
    uint32_t entries;
    uint16_t group, flags;
    uint64_t reserved[3];
  } registration = {.address = (uint64_t)(uintptr_t)buffers->ring, .entries = count, .group = group};
  if (syscall(__NR_io_uring_register, ring->fd, CLINUX_RING_REGISTER_BUFFERS, &registration, 1) < 0) {
    int code = errno;
    clinux_buffers_free(buffers);
    return code;
  }
  for (uint32_t number = 0; number < count; number++) clinux_buffers_give(buffers, (uint16_t)number);
  return 0;
}

#endif
