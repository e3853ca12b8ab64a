// The interfaces that tpm2-tss loads wait for ever: the one for swtpm ignores a time limit, and a driver may hang in write(2). So a
// thread talks to the TPM, and the program waits for the thread. The thread owns the loaded interface: it opens it, exchanges
// commands for responses, and closes it, also when nobody waits for it any more.
#define _GNU_SOURCE
#include <CTSS2.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// Logs of tpm2-tss hold session keys, and its modules read the variables at their first line: unset before any of them runs.
__attribute__((constructor)) static void keep_quiet(void) {
  setenv("TSS2_LOG", "all+none", 1);
  unsetenv("TSS2_LOGFILE");
}

enum {
  LONGEST = 4096,
  STACK = 512 * 1024,
  MOST_ABANDONED = 8,
  // Milliseconds that a command under way still gets once the program was asked to end: a TPM that works answers by then, and what
  // was loaded into it can be flushed.
  GRACE = 2000
};

// Threads whose TPM hangs and for which nobody waits.
static atomic_int abandoned;

// What the program and its thread share. Each reads and writes it only while the other one waits.
struct exchange {
  TSS2_TCTI_CONTEXT *inner;  // the thread's
  char *configuration;
  size_t path;
  int order, done;  // eventfd(2): a command or the end is there; the thread is done with it
  int is_end;
  size_t size;
  TSS2_RC result;
  atomic_int owners;
  uint8_t bytes[LONGEST];
};

struct line {
  TSS2_TCTI_CONTEXT_COMMON_V1 common;
  struct exchange *exchange;
  int interruption;
  int64_t command, creation, limit;  // milliseconds; `limit` on the clock of now()
  int is_waiting;                    // the thread is at work
  TSS2_RC late;                      // what it means when that is over
  TSS2_RC broken;                    // why nothing more is asked of the TPM; 0 while it is
};

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void signal_event(int descriptor) {
  uint64_t one = 1;
  ssize_t written = write(descriptor, &one, sizeof one);  // cannot fail: the counter is 0 or 1
  (void)written;
}

static void wait_for_event(int descriptor) {
  uint64_t count;
  while (read(descriptor, &count, sizeof count) < 0 && errno == EINTR) {
  }
}

static void release(struct exchange *exchange) {
  if (atomic_fetch_sub(&exchange->owners, 1) != 1) return;
  close(exchange->order);
  close(exchange->done);
  free(exchange->configuration);
  explicit_bzero(exchange->bytes, sizeof exchange->bytes);
  free(exchange);
}

// A device is opened by way of the descriptor that was looked at: what has its name meanwhile does not matter.
static TSS2_RC open_device(struct exchange *exchange) {
  int device = open(exchange->configuration + exchange->path, O_PATH | O_CLOEXEC);
  if (device < 0) return TSS2_TCTI_RC_IO_ERROR;
  struct stat status;
  TSS2_RC result = TPM_LINE_NO_DEVICE;
  if (fstat(device, &status) == 0 && S_ISCHR(status.st_mode)) {
    char configuration[256];
    int length = snprintf(configuration, sizeof configuration, "%.*s/proc/self/fd/%d", (int)exchange->path,
                          exchange->configuration, device);
    result = length < (int)sizeof configuration ? Tss2_TctiLdr_Initialize(configuration, &exchange->inner)
                                                : TSS2_TCTI_RC_BAD_VALUE;
  }
  close(device);
  return result;
}

static void *serve(void *argument) {
  struct exchange *exchange = argument;
  exchange->result = exchange->path > 0 ? open_device(exchange)
                                        : Tss2_TctiLdr_Initialize(exchange->configuration, &exchange->inner);
  int is_open = exchange->result == TSS2_RC_SUCCESS;
  for (;;) {
    signal_event(exchange->done);
    wait_for_event(exchange->order);
    if (exchange->is_end) break;
    TSS2_RC result = Tss2_Tcti_Transmit(exchange->inner, exchange->size, exchange->bytes);
    if (result == TSS2_RC_SUCCESS) {
      do {
        exchange->size = LONGEST;
        result = Tss2_Tcti_Receive(exchange->inner, &exchange->size, exchange->bytes, TSS2_TCTI_TIMEOUT_BLOCK);
      } while ((result & 0xffff) == TSS2_BASE_RC_TRY_AGAIN);
    }
    exchange->result = result;
  }
  if (is_open) Tss2_TctiLdr_Finalize(&exchange->inner);
  if (exchange->is_end > 1) atomic_fetch_sub(&abandoned, 1);
  signal_event(exchange->done);
  release(exchange);
  return NULL;
}

static int is_interrupted(int interruption) {
  struct pollfd request = {.fd = interruption, .events = POLLIN};
  return poll(&request, 1, 0) > 0;
}

// Waits for the thread. 0 when it is done.
static TSS2_RC wait_for_thread(struct line *line, int interruption) {
  TSS2_RC late = line->late;
  for (;;) {
    // A descriptor below 0 is passed over.
    struct pollfd requests[2] = {{.fd = line->exchange->done, .events = POLLIN}, {.fd = interruption, .events = POLLIN}};
    int64_t left = line->limit - now();
    int ready = poll(requests, 2, left <= 0 ? 0 : left > 3600000 ? 3600000 : (int)left);
    if (ready < 0 && errno != EINTR) return TSS2_TCTI_RC_IO_ERROR;
    if (ready > 0 && requests[0].revents) {
      wait_for_event(line->exchange->done);
      return TSS2_RC_SUCCESS;
    }
    if (ready > 0 && requests[1].revents) {
      late = TPM_LINE_INTERRUPTED;
      interruption = -1;
      if (left > GRACE) line->limit = now() + GRACE;
    }
    if (ready == 0 && left <= 0) return late;
  }
}

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *context, size_t size, const uint8_t *command) {
  struct line *line = (struct line *)context;
  if (line->broken) return line->broken;
  if (line->is_waiting) return TSS2_TCTI_RC_BAD_SEQUENCE;
  if (size < 10 || size > LONGEST) return TSS2_TCTI_RC_BAD_VALUE;
  uint32_t code = (uint32_t)command[6] << 24 | (uint32_t)command[7] << 16 | (uint32_t)command[8] << 8 | command[9];
  if (code != TPM2_CC_FlushContext && is_interrupted(line->interruption)) return TPM_LINE_INTERRUPTED;
  memcpy(line->exchange->bytes, command, size);
  line->exchange->size = size;
  int makes_key = code == TPM2_CC_Create || code == TPM2_CC_CreatePrimary || code == TPM2_CC_CreateLoaded;
  line->limit = now() + (makes_key ? line->creation : line->command);
  line->late = makes_key ? TPM_LINE_SILENT_MAKING : TPM_LINE_SILENT;
  line->is_waiting = 1;
  signal_event(line->exchange->order);
  return TSS2_RC_SUCCESS;
}

// Called twice for each response: without a buffer for its size, and for its bytes.
static TSS2_RC receive(TSS2_TCTI_CONTEXT *context, size_t *size, uint8_t *response, int32_t timeout) {
  struct line *line = (struct line *)context;
  (void)timeout;  // the deadline holds
  if (line->broken) return line->broken;
  if (line->is_waiting) {
    TSS2_RC waited = wait_for_thread(line, line->interruption);
    if (waited) return line->broken = waited;
    line->is_waiting = 0;
  }
  if (line->exchange->result) return line->exchange->result;
  size_t room = *size;
  *size = line->exchange->size;
  if (!response) return TSS2_RC_SUCCESS;
  if (room < line->exchange->size) return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
  memcpy(response, line->exchange->bytes, line->exchange->size);
  return TSS2_RC_SUCCESS;
}

static TSS2_RC cancel(TSS2_TCTI_CONTEXT *context) {
  (void)context;
  return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC get_poll_handles(TSS2_TCTI_CONTEXT *context, TSS2_TCTI_POLL_HANDLE *handles, size_t *count) {
  (void)context, (void)handles, (void)count;
  return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC set_locality(TSS2_TCTI_CONTEXT *context, uint8_t locality) {
  (void)context, (void)locality;
  return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

// The thread gets no signal: those are for the one that waits.
static int start(struct exchange *exchange) {
  pthread_t thread;
  pthread_attr_t attributes;
  sigset_t all, before;
  sigfillset(&all);
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failure = pthread_create(&thread, &attributes, serve, exchange);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return failure;
}

TSS2_RC tpm_line_open(const char *configuration, size_t path, int interruption, int64_t command, int64_t creation,
                      TSS2_TCTI_CONTEXT **context) {
  *context = NULL;
  if (is_interrupted(interruption)) return TPM_LINE_INTERRUPTED;
  if (atomic_load(&abandoned) >= MOST_ABANDONED) return TPM_LINE_SILENT;
  struct line *line = calloc(1, sizeof *line);
  struct exchange *exchange = calloc(1, sizeof *exchange);
  if (exchange) {
    exchange->configuration = strdup(configuration);
    exchange->path = path;
    exchange->order = eventfd(0, EFD_CLOEXEC);
    exchange->done = eventfd(0, EFD_CLOEXEC);
    exchange->owners = 2;
  }
  if (!line || !exchange || !exchange->configuration || exchange->order < 0 || exchange->done < 0 || start(exchange)) {
    free(line);
    if (exchange) {
      exchange->owners = 1;
      release(exchange);
    }
    return TSS2_TCTI_RC_GENERAL_FAILURE;
  }
  *line = (struct line){
      .common = {.magic = 0x6c696e65, .version = 1, .transmit = transmit, .receive = receive, .cancel = cancel,
                 .getPollHandles = get_poll_handles, .setLocality = set_locality},
      .exchange = exchange, .interruption = interruption, .command = command, .creation = creation,
      .limit = now() + command, .late = TPM_LINE_SILENT, .is_waiting = 1};
  TSS2_RC waited = wait_for_thread(line, interruption);
  if (!waited) {
    line->is_waiting = 0;
    if (exchange->result == TSS2_RC_SUCCESS) {
      *context = (TSS2_TCTI_CONTEXT *)line;
      return TSS2_RC_SUCCESS;
    }
    waited = exchange->result;
  }
  tpm_line_close((TSS2_TCTI_CONTEXT *)line);
  return waited;
}

void tpm_line_close(TSS2_TCTI_CONTEXT *context) {
  struct line *line = (struct line *)context;
  struct exchange *exchange = line->exchange;
  if (line->is_waiting) {
    // The thread reads this only after its order, which comes with the command's end.
    atomic_fetch_add(&abandoned, 1);
    exchange->is_end = 2;
    signal_event(exchange->order);
  } else {
    exchange->is_end = 1;
    line->limit = now() + line->command;
    signal_event(exchange->order);
    // Closed when this returns: another program may want the device. A driver that hangs in close(2) is left alone.
    TSS2_RC waited = wait_for_thread(line, line->interruption);
    (void)waited;
  }
  release(exchange);
  free(line);
}
