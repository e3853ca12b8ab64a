// Many sinks at once, on loopback, each with a key of its own: what they cost is little, so that a source can be measured that
// serves them all.
//
// usage: crowd SINKS LIST LOG PROGRAM ARGUMENT...
//
// Writes a list for entropy-source to LIST, runs the program, whose output goes to LOG, and answers each packet with a sealed
// receipt, until the program ends. Sink number n is 127.100.0.0/16's n-th address, all on one port; which one is meant, the
// connection's own address tells. Opens each box, looks that the counter rises, and does not verify the signature: that is
// a sink's work, and not what is measured.
//
// Prints one line of JSON: how many sinks got a packet, and how many packets all of them got, what was wrong, and the program's
// exit code, seconds and kilobytes at the most. Ends with 0 only where nothing was wrong.

#define _GNU_SOURCE  // accept4(2)

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  ADDRESSES = 250,  // of the last byte, 1 to 250
  MAXIMUM_SINKS = 250 * ADDRESSES,
  HEADER = 2,
  KEY = crypto_box_PUBLICKEYBYTES,
  NONCE = crypto_box_NONCEBYTES,
  OVERHEAD = KEY + NONCE + crypto_box_MACBYTES,
  FRAME = 4096,
  CHUNK = 1024,
  EVENTS = 256,
};

struct sink {
  uint8_t public_key[KEY], secret_key[KEY];
  int64_t counter;
  uint32_t packets;
};

// A connection whose packet is arriving.
struct peer {
  int descriptor;
  size_t count;
  struct sink *sink;
  uint8_t frame[HEADER + FRAME];
};

static struct sink *sinks;
static long sink_count;
static int poller;
// Their addresses tell them from peers there.
static int listener, ended;
static long packets, broken, regressed, unanswered;

static void fail(const char *what) {
  fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint16_t make_listener(void) {
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
  socklen_t size = sizeof address;
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, SOMAXCONN) ||
      getsockname(listener, (struct sockaddr *)&address, &size))
    fail("cannot listen");
  return ntohs(address.sin_port);
}

static void write_list(const char *path, uint16_t port) {
  FILE *list = fopen(path, "w");
  if (!list) fail(path);
  fprintf(list, "[");
  for (long place = 0; place < sink_count; place++) {
    char text[sodium_base64_ENCODED_LEN(KEY, sodium_base64_VARIANT_ORIGINAL)];
    crypto_box_keypair(sinks[place].public_key, sinks[place].secret_key);
    sodium_bin2base64(text, sizeof text, sinks[place].public_key, KEY, sodium_base64_VARIANT_ORIGINAL);
    fprintf(list, "%s\n\t{\n\t\t\"Address\": \"127.100.%ld.%ld:%u\",\n\t\t\"Public\": \"%s\"\n\t}", place ? "," : "",
            place / ADDRESSES, place % ADDRESSES + 1, port, text);
  }
  fprintf(list, "\n]\n");
  if (fclose(list)) fail(path);
}

static pid_t start(const char *log, char **arguments) {
  pid_t child = fork();
  if (child < 0) fail("cannot fork");
  if (child > 0) return child;
  int output = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (output < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) _exit(127);
  execv(arguments[0], arguments);
  _exit(127);
}

// Which sink a connection was made to; NULL for an address that is none's.
static struct sink *find_sink(int descriptor) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  if (getsockname(descriptor, (struct sockaddr *)&address, &size)) return NULL;
  uint32_t number = ntohl(address.sin_addr.s_addr);
  long last = (long)(number & 0xff) - 1, place = (long)(number >> 8 & 0xff) * ADDRESSES + last;
  if (number >> 16 != (127 << 8 | 100) || last < 0 || last >= ADDRESSES || place >= sink_count) return NULL;
  return &sinks[place];
}

static void add(int descriptor, void *who) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = who};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event)) fail("cannot wait for a descriptor");
}

static void accept_all(void) {
  int descriptor;
  while ((descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    struct peer *peer = malloc(sizeof *peer);
    if (!peer) fail("no memory");
    peer->descriptor = descriptor;
    peer->count = 0;
    peer->sink = find_sink(descriptor);
    add(descriptor, peer);
  }
}

// Takes the head of a DER element of that tag with its length in as few bytes as there can be; NULL where there is none.
static const uint8_t *take(const uint8_t *bytes, const uint8_t *end, uint8_t tag, size_t *length) {
  if (end - bytes < 2 || *bytes++ != tag) return NULL;
  size_t count = *bytes++;
  if (count >= 0x80) {
    size_t digits = count & 0x7f;
    if (digits < 1 || digits > 2 || (size_t)(end - bytes) < digits) return NULL;
    for (count = 0; digits > 0; digits--) count = count << 8 | *bytes++;
  }
  if ((size_t)(end - bytes) < count) return NULL;
  *length = count;
  return bytes;
}

// The counter of the packet in a signed message, whose chunk and signature have to be there; -1 where something is missing.
static int64_t read_counter(const uint8_t *bytes, size_t size) {
  const uint8_t *end = bytes + size, *message, *number;
  size_t length;
  uint64_t counter = 0;
  if (!(bytes = take(bytes, end, 0x30, &length)) || bytes + length != end) return -1;
  if (!(message = take(bytes, end, 0x04, &length))) return -1;
  const uint8_t *message_end = message + length;
  if (!take(message_end, end, 0x04, &length) || length == 0) return -1;
  if (!(message = take(message, message_end, 0x30, &length))) return -1;
  if (!(message = take(message, message_end, 0x02, &length))) return -1;
  if (!(number = take(message + length, message_end, 0x02, &length)) || length > 8) return -1;
  for (size_t place = 0; place < length; place++) counter = counter << 8 | number[place];
  if (!take(number + length, message_end, 0x04, &length) || length != CHUNK) return -1;
  return (int64_t)counter;
}

static uint8_t *put_integer(uint8_t *bytes, uint8_t tag, int64_t value) {
  int count = 1;
  while (count < 8 && value >> (8 * count - 1) != 0) count++;
  *bytes++ = tag;
  *bytes++ = (uint8_t)count;
  while (count-- > 0) *bytes++ = (uint8_t)(value >> (8 * count));
  return bytes;
}

static void answer(const struct peer *peer, const uint8_t *key, int status) {
  uint8_t plain[64], frame[HEADER + NONCE + crypto_box_MACBYTES + sizeof plain], *end = plain + 2;
  end = put_integer(end, 0x0a, status);
  end = put_integer(end, 0x02, peer->sink->counter);
  end = put_integer(end, 0x02, time(NULL));
  plain[0] = 0x30;
  plain[1] = (uint8_t)(end - plain - 2);
  size_t size = (size_t)(end - plain), sealed = NONCE + crypto_box_MACBYTES + size;
  frame[0] = (uint8_t)(sealed >> 8);
  frame[1] = (uint8_t)sealed;
  randombytes_buf(frame + HEADER, NONCE);
  if (crypto_box_easy_afternm(frame + HEADER + NONCE, plain, size, frame + HEADER, key) ||
      send(peer->descriptor, frame, HEADER + sealed, MSG_NOSIGNAL) != (ssize_t)(HEADER + sealed))
    unanswered++;
}

// A whole frame is there: opens it, counts it and answers.
static void judge(struct peer *peer) {
  const uint8_t *sealed = peer->frame + HEADER;
  size_t size = peer->count - HEADER;
  uint8_t key[crypto_box_BEFORENMBYTES], plain[FRAME];
  if (!peer->sink || size < OVERHEAD || crypto_box_beforenm(key, sealed, peer->sink->secret_key) ||
      crypto_box_open_easy_afternm(plain, sealed + KEY + NONCE, size - KEY - NONCE, sealed + KEY, key)) {
    broken++;
    return;
  }
  int64_t counter = read_counter(plain, size - OVERHEAD);
  if (counter < 0) {
    broken++;
    return;
  }
  int has_regressed = counter <= peer->sink->counter;
  if (has_regressed) {
    regressed++;
  } else {
    peer->sink->counter = counter;
    peer->sink->packets++;
    packets++;
  }
  answer(peer, key, has_regressed);
}

static void end_peer(struct peer *peer) {
  close(peer->descriptor);  // takes it out of the poller, too
  free(peer);
}

static void receive(struct peer *peer) {
  ssize_t count = recv(peer->descriptor, peer->frame + peer->count, sizeof peer->frame - peer->count, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    // Whoever comes and goes without a byte did no harm; half a packet is one that is missing.
    if (count < 0 || peer->count > 0) broken++;
    return end_peer(peer);
  }
  peer->count += (size_t)count;
  if (peer->count < HEADER) return;
  size_t wanted = HEADER + ((size_t)peer->frame[0] << 8 | peer->frame[1]);
  if (peer->count < wanted && wanted <= sizeof peer->frame) return;
  if (peer->count == wanted) {
    judge(peer);
  } else {
    broken++;
  }
  end_peer(peer);
}

// Serves until the program has ended.
static void serve(void) {
  struct epoll_event events[EVENTS];
  while (1) {
    int count = epoll_wait(poller, events, EVENTS, -1), is_over = 0;
    if (count < 0 && errno != EINTR) fail("cannot wait");
    for (int place = 0; place < count; place++) {
      if (events[place].data.ptr == &listener) accept_all();
      else if (events[place].data.ptr == &ended) is_over = 1;
      else receive(events[place].data.ptr);
    }
    if (is_over) return;
  }
}

int main(int argument_count, char **arguments) {
  if (argument_count < 5 || (sink_count = atol(arguments[1])) < 1 || sink_count > MAXIMUM_SINKS) {
    fprintf(stderr, "usage: crowd SINKS LIST LOG PROGRAM ARGUMENT...\n");
    return 64;
  }
  if (sodium_init() < 0 || !(sinks = calloc((size_t)sink_count, sizeof *sinks))) fail("cannot begin");
  write_list(arguments[2], make_listener());
  if ((poller = epoll_create1(EPOLL_CLOEXEC)) < 0) fail("cannot make a poller");

  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  pid_t child = start(arguments[3], arguments + 4);
  if ((ended = (int)syscall(SYS_pidfd_open, child, 0)) < 0) fail("cannot watch the program");
  add(listener, &listener);
  add(ended, &ended);
  serve();
  int status;
  struct rusage usage;
  if (wait4(child, &status, 0, &usage) != child) fail("cannot take the program's end");
  clock_gettime(CLOCK_MONOTONIC, &to);

  long served = 0;
  for (long place = 0; place < sink_count; place++) served += sinks[place].packets > 0;
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  printf("{\"sinks\": %ld, \"packets\": %ld, \"broken\": %ld, \"regressed\": %ld, \"unanswered\": %ld, \"exit\": %d, ", served,
         packets, broken, regressed, unanswered, code);
  printf("\"seconds\": %.4f, \"user\": %.4f, \"system\": %.4f, \"kilobytes\": %ld}\n",
         (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9,
         (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6,
         (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6, usage.ru_maxrss);
  return served == sink_count && packets == sink_count && !broken && !regressed && !unanswered && code == 0 ? 0 : 1;
}
