#define _GNU_SOURCE
#include "CPlatform.h"

#include <linux/if_alg.h>
#include <linux/magic.h>
#include <linux/random.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>

static int argument_count;
static char **arguments;

// glibc calls constructors with main's own parameters.
__attribute__((constructor)) static void keep_arguments(int count, char **values) {
  argument_count = count;
  arguments = values;
}

int platform_argument_count(void) { return argument_count; }
char **platform_arguments(void) { return arguments; }

// A program that was started with a standard stream closed would get its number for the next file that it opens, and
// print its messages into that. Output to what was closed fails; messages go nowhere.
__attribute__((constructor)) static void occupy_standard_streams(void) {
  const int flags[] = {O_RDONLY, O_RDONLY, O_WRONLY};
  for (int stream = 0; stream < 3; stream++) {
    // The lowest free number is the one that is closed: those below it are open by now.
    if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", flags[stream]) != stream) _exit(1);
  }
}

static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;

// A mutex of the default kind can neither be refused to nor be released by who does not hold it.
void platform_lock(void) { pthread_mutex_lock(&process_lock); }
void platform_unlock(void) { pthread_mutex_unlock(&process_lock); }

static struct timespec read_clock(clockid_t clock) {
  struct timespec now = {0, 0};
  clock_gettime(clock, &now);
  return now;
}

int64_t platform_unix_time(void) { return read_clock(CLOCK_REALTIME).tv_sec; }

int64_t platform_monotonic_milliseconds(void) {
  struct timespec now = read_clock(CLOCK_BOOTTIME);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t platform_monotonic_nanoseconds(void) {
  struct timespec now = read_clock(CLOCK_MONOTONIC);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t platform_monotonic_microseconds(void) {
  struct timespec now = read_clock(CLOCK_MONOTONIC);  // the one that systemd compares with
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int platform_errno(void) { return errno; }
void platform_set_errno(int value) { errno = value; }

void platform_error_text(int error, char *text, size_t size) {
  const char *found = strerror_r(error, text, size);  // the GNU form: may return a constant
  if (found != text) snprintf(text, size, "%s", found);
}

static int describe(int result, const struct stat *status, struct platform_file *file) {
  if (result != 0) return -1;
  file->size = status->st_size;
  file->modified = (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
  file->mode = status->st_mode & 07777;
  file->owner = status->st_uid;
  file->group = status->st_gid;
  file->device = status->st_dev;
  file->inode = status->st_ino;
  file->is_regular = S_ISREG(status->st_mode);
  file->is_character_device = S_ISCHR(status->st_mode);
  file->is_directory = S_ISDIR(status->st_mode);
  file->is_link = S_ISLNK(status->st_mode);
  file->links = status->st_nlink;
  return 0;
}

int platform_describe(int descriptor, struct platform_file *file) {
  struct stat status;
  return describe(fstat(descriptor, &status), &status, file);
}

int platform_describe_path(const char *path, struct platform_file *file) {
  struct stat status;
  return describe(lstat(path, &status), &status, file);
}

int platform_is_in_proc(const char *directory) {
  struct statfs system;
  return statfs(directory, &system) == 0 && (unsigned long)system.f_type == PROC_SUPER_MAGIC;
}

void platform_set_blocking(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  if (flags >= 0) fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK);
}

void platform_protect_memory(void) {
  // None of the three fails for a reason that anyone could do something about.
  const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  mallopt(M_PERTURB, 0xff);
}

int platform_open(const char *path, int flags, unsigned mode) { return open(path, flags | O_CLOEXEC, mode); }

int platform_rename_new(const char *from, const char *to) {
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  // A file system without RENAME_NOREPLACE: link(2) refuses an existing name just the same.
  if (link(from, to) != 0) return -1;
  return unlink(from);
}

int platform_exchange(const char *one, const char *other) {
  return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
}

static int termination_pipe[2] = {-1, -1};

static void note_termination(int number) {
  (void)number;
  int saved = errno;
  // Whichever of the two comes next ends the process.
  signal(SIGTERM, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  char byte = 1;
  ssize_t written = write(termination_pipe[1], &byte, 1);  // the pipe is never full: two bytes at the most
  (void)written;
  errno = saved;
}

int platform_watch_termination(void) {
  if (termination_pipe[0] >= 0) return termination_pipe[0];
  if (pipe2(termination_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
  struct sigaction action = {0};
  action.sa_handler = note_termination;
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, NULL);  // cannot fail: the numbers are valid
  sigaction(SIGINT, &action, NULL);
  // Whoever started this process may have done so with the signals blocked, which is inherited.
  sigset_t both;
  sigemptyset(&both);
  sigaddset(&both, SIGTERM);
  sigaddset(&both, SIGINT);
  sigprocmask(SIG_UNBLOCK, &both, NULL);
  return termination_pipe[0];
}

static int reload_pipe[2] = {-1, -1};

static void note_reload(int number) {
  (void)number;
  int saved = errno;
  char byte = 1;
  ssize_t written = write(reload_pipe[1], &byte, 1);  // a full pipe says it already
  (void)written;
  errno = saved;
}

int platform_watch_reload(void) {
  if (reload_pipe[0] >= 0) return reload_pipe[0];
  if (pipe2(reload_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
  struct sigaction action = {0};
  action.sa_handler = note_reload;
  action.sa_flags = SA_RESTART;
  sigaction(SIGHUP, &action, NULL);
  sigset_t hangup;
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  sigprocmask(SIG_UNBLOCK, &hangup, NULL);
  return reload_pipe[0];
}

void platform_drain(int descriptor) {
  char bytes[64];
  while (read(descriptor, bytes, sizeof bytes) > 0) {
  }
}

int platform_notify(const char *path, const char *text) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(path);
  if (length == 0 || length >= sizeof address.sun_path) return -1;
  memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = 0;  // the abstract namespace
  int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  ssize_t sent = sendto(descriptor, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
  close(descriptor);
  return sent < 0 ? -1 : 0;
}

void platform_ignore_write_signals(void) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

uint64_t platform_raise_descriptor_limit(uint64_t wanted) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur < wanted) {
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  }
  return limit.rlim_cur;
}

void platform_limit_thread_stacks(size_t bytes) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return;
  // Too few bytes are refused, and then the default stays.
  if (pthread_attr_setstacksize(&attributes, bytes) == 0) pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}

int platform_is_random_device(int descriptor) {
  int bits;
  return ioctl(descriptor, RNDGETENTCNT, &bits) == 0;
}

int platform_add_entropy(int descriptor, const void *bytes, size_t size, int bits) {
  struct rand_pool_info *pool = malloc(sizeof(*pool) + size);
  if (pool == NULL) return -1;
  pool->entropy_count = bits;
  pool->buf_size = (int)size;
  memcpy(pool->buf, bytes, size);
  int result = ioctl(descriptor, RNDADDENTROPY, pool);
  explicit_bzero(pool, sizeof(*pool) + size);
  free(pool);
  if (result != 0) return -1;
  return ioctl(descriptor, RNDRESEEDCRNG) == 0;
}

int platform_unacknowledged(int socket) {
  int bytes = 0;
  return ioctl(socket, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

static int option_index;

int platform_next_option(int count, char *const *values, const char *letters, const struct option *longs) {
  opterr = 0;  // the caller reports, in one line
  option_index = -1;
  return getopt_long(count, values, letters, longs, &option_index);
}

const char *platform_option_argument(void) { return optarg; }
int platform_option_index(void) { return optind; }
int platform_option_letter(void) { return optopt; }

const volatile uint8_t *platform_fork_mark(void) {
  uint8_t *mark = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mark == MAP_FAILED) return NULL;
  *mark = 1;
  // Fails before Linux 4.14: then the process's number must do.
  (void)madvise(mark, 1, MADV_WIPEONFORK);
  return mark;
}

int platform_has_fork_mark(const volatile uint8_t *mark) { return *mark == 1; }

void platform_free_fork_mark(const volatile uint8_t *mark) { munmap((void *)mark, 1); }

int platform_open_kernel_generator(const char *name) {
  struct sockaddr_alg address = {.salg_family = AF_ALG, .salg_type = "rng"};
  strncpy((char *)address.salg_name, name, sizeof address.salg_name - 1);
  int parent = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (parent < 0) return -1;
  int generator = -1;
  if (bind(parent, (struct sockaddr *)&address, sizeof address) == 0) {
    generator = accept4(parent, NULL, NULL, SOCK_CLOEXEC);
  }
  int error = errno;
  close(parent);
  errno = error;
  return generator;
}

int platform_start_command(const char *command, int *process) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  char *arguments[] = {"sh", "-c", (char *)command, NULL};
  extern char **environ;
  pid_t child = 0;
  int error = posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    errno = error;
    return -1;
  }
  *process = child;
  return ends[0];
}

void platform_end_command(int process) {
  kill(-process, SIGKILL);
  while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {
  }
}
