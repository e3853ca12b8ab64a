// What Swift cannot import of the C library: variadics, macros with expressions, errno, and the struct layouts
// and time types that differ between the host and the board. Everything else is called directly.
#ifndef CPLATFORM_H
#define CPLATFORM_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

// The process's arguments, as the C library handed them to a constructor: Embedded Swift has no CommandLine.
int platform_argument_count(void);
char *_Nullable *_Nonnull platform_arguments(void);

int64_t platform_unix_time(void);               // seconds, CLOCK_REALTIME
int64_t platform_monotonic_milliseconds(void);  // CLOCK_BOOTTIME: goes on while the board is suspended

int platform_errno(void);
void platform_set_errno(int value);
void platform_error_text(int error, char *_Nonnull text, size_t size);

struct platform_file {
  int64_t size;
  int64_t modified;  // nanoseconds since 1970
  uint32_t mode;  // permission bits only
  uint32_t owner, group;
  uint64_t device, inode;
  uint64_t links;  // names that the file has
  int is_regular, is_character_device, is_directory, is_link;
};
int platform_describe(int descriptor, struct platform_file *_Nonnull file);
int platform_describe_path(const char *_Nonnull path, struct platform_file *_Nonnull file);  // lstat
int platform_open(const char *_Nonnull path, int flags, unsigned mode);
// True for a directory in /proc, whose links the kernel makes.
int platform_is_in_proc(const char *_Nonnull directory);
void platform_set_blocking(int descriptor);
int platform_rename_new(const char *_Nonnull from, const char *_Nonnull to);  // fails with EEXIST
// Swaps the names of two files in one step; EINVAL or ENOSYS where the file system cannot.
int platform_exchange(const char *_Nonnull one, const char *_Nonnull other);

// Writes one byte to a pipe when SIGTERM or SIGINT arrives; a second signal ends the process at once.
// Returns the pipe's reading end, or -1.
int platform_watch_termination(void);
// The same for SIGHUP, which may come again and again; drain the end before the next wait.
int platform_watch_reload(void);
void platform_drain(int descriptor);
// Sends a datagram to a Unix socket, whose name may begin with '@'; -1 where it cannot be sent.
int platform_notify(const char *_Nonnull path, const char *_Nonnull text);
int64_t platform_monotonic_microseconds(void);
int64_t platform_monotonic_nanoseconds(void);
// A closed connection and a file beyond the process's limit shall be errors of write(2), not the end.
void platform_ignore_write_signals(void);

// No core file, not dumpable, and freed memory is overwritten where glibc does not keep it for the next request of its size.
void platform_protect_memory(void);

// The stack of threads that are started from now on, unless whoever starts them says otherwise.
void platform_limit_thread_stacks(size_t bytes);
// Raises the number of descriptors that this process may have, and returns what it is then.
uint64_t platform_raise_descriptor_limit(uint64_t wanted);

// One lock for the whole process, for a few instructions at a time.
void platform_lock(void);
void platform_unlock(void);

// A byte that is 1 here, and 0 in each copy of this process that fork(2) makes, where the kernel can do that. NULL where there
// is no memory.
const volatile uint8_t *_Nullable platform_fork_mark(void);
int platform_has_fork_mark(const volatile uint8_t *_Nonnull mark);
void platform_free_fork_mark(const volatile uint8_t *_Nonnull mark);

// One of the kernel's generators (AF_ALG, type "rng"), to be read by recv(2); -1 with errno: EAFNOSUPPORT where the kernel offers
// none at all, ENOENT for a name that it does not know.
int platform_open_kernel_generator(const char *_Nonnull name);
// Starts a shell command in a process group of its own, whose standard output is read from the descriptor that is returned; -1
// with errno. Nothing else of this process is open to it but its standard error.
int platform_start_command(const char *_Nonnull command, int *_Nonnull process);
// Kills the group, and waits for the command to be gone.
void platform_end_command(int process);

// True for a device of random(4).
int platform_is_random_device(int descriptor);
// Mixes `size` bytes into the kernel's pool behind `descriptor` (/dev/random), credits `bits`, and reseeds the
// kernel's generator at once. Returns 1; 0 where the kernel has no such call for the latter, or it is too early after boot
// for it; -1 with errno where nothing was done: EPERM without CAP_SYS_ADMIN, ENOTTY for no such device.
int platform_add_entropy(int descriptor, const void *_Nonnull bytes, size_t size, int bits);

// Bytes of a TCP socket's send queue that were not acknowledged.
int platform_unacknowledged(int socket);

// getopt_long's globals, behind functions.
int platform_next_option(int count, char *_Nullable const *_Nonnull arguments, const char *_Nonnull letters,
                         const struct option *_Nonnull longs);
const char *_Nullable platform_option_argument(void);
int platform_option_index(void);
int platform_option_letter(void);

#endif
