// Sends prepared packets to a sink, from many sources at once, or junk.
//
// usage: storm packets FILE PORT DEPTH PAUSE
//        storm junk PORT DEPTH SECONDS RATE
//
// FILE is what the program packets wrote. Each source has an address of its own, 127.3.0.N, and DEPTH deliveries under way, each
// on a connection of its own, begun in the order of its packets; it rests PAUSE microseconds between two. Prints one line of JSON:
// packets, the seconds they took, this program's processor time, and the microseconds from connect to the end of the sink's
// answer, half of them and 99 of 100 of them below. Fails where an answer is not a receipt's length.
//
// Junk has a packet's length and random bytes; it comes from 1,000 addresses, 127.4.x.y, at most DEPTH connections at a time and RATE new
// ones a second (0: as many as go), until SECONDS have passed or SIGTERM comes. Prints frames and the seconds they took.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 4096, LEAST_RECEIPT = 42, MOST_RECEIPT = 130, JUNK = 1401, JUNK_ADDRESSES = 1000 };

struct source {
  uint32_t address;  // host byte order
  const uint8_t *next;
  uint32_t left;
};

struct connection {
  int socket, received;
  struct source *source;
  int64_t begun;
};

static struct connection connections[MOST];
static int events;
static uint16_t port;

static void fail(const char *what) {
  fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct sockaddr_in address_of(uint32_t address, uint16_t its_port) {
  struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(its_port)};
  place.sin_addr.s_addr = htonl(address);
  return place;
}

// Connects, by TCP Fast Open where both sides of this machine have it, and sends a whole frame. -1 where the other end had enough
// of us.
static int begin(struct connection *connection, uint32_t from, const uint8_t *frame, size_t size) {
  const int on = 1;
  const struct linger reset = {1, 0};
  struct sockaddr_in own = address_of(from, 0), sink = address_of(INADDR_LOOPBACK, port);
  connection->begun = microseconds();
  connection->received = 0;
  int new = connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // No port is chosen before connect(2): there are more connections than one address has ports.
  if (new < 0 || setsockopt(new, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) ||
      setsockopt(new, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) || bind(new, (struct sockaddr *)&own, sizeof own))
    fail("socket");
  ssize_t sent = sendto(new, frame, size, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&sink, sizeof sink);
  if (sent == (ssize_t)size) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(events, EPOLL_CTL_ADD, new, &event)) fail("epoll_ctl");
    return 0;
  }
  close(new);
  return -1;
}

// Reads what there is. True at the end.
static int is_over(struct connection *connection) {
  uint8_t answer[256];
  while (1) {
    ssize_t count = recv(connection->socket, answer, sizeof answer, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (count <= 0) return 1;
    connection->received += (int)count;
  }
}

static int compare(const void *one, const void *other) {
  int64_t first = *(const int64_t *)one, second = *(const int64_t *)other;
  return (first > second) - (first < second);
}

static double processor_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static uint8_t *read_all(const char *path, size_t *size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file < 0 || fstat(file, &status)) fail(path);
  *size = (size_t)status.st_size;
  uint8_t *bytes = malloc(*size);
  for (size_t done = 0; done < *size;) {
    ssize_t count = read(file, bytes + done, *size - done);
    if (count <= 0) fail(path);
    done += (size_t)count;
  }
  close(file);
  return bytes;
}

static size_t frame_size(const uint8_t *frame) { return ((size_t)frame[0] << 8 | frame[1]) + 2; }

static void send_next(struct connection *connection) {
  struct source *source = connection->source;
  size_t size = frame_size(source->next);
  if (begin(connection, source->address, source->next, size)) fail("the sink took no packet");
  source->next += size;
  source->left--;
}

static int packets(const char *path, int depth, int64_t pause) {
  size_t size;
  const uint8_t *bytes = read_all(path, &size);
  uint32_t counts[2];  // sources, and packets of each; their frames follow, source by source
  memcpy(counts, bytes, sizeof counts);
  struct source *sources = calloc(counts[0], sizeof *sources);
  const uint8_t *frame = bytes + sizeof counts;
  for (uint32_t number = 0; number < counts[0]; number++) {
    sources[number] = (struct source){0x7f030001 + number, frame, counts[1]};
    for (uint32_t packet = 0; packet < counts[1]; packet++) frame += frame_size(frame);
  }
  int64_t total = (int64_t)counts[0] * counts[1], done = 0;
  int64_t *times = calloc((size_t)total, sizeof *times);
  if ((size_t)(frame - bytes) != size || counts[0] * (uint32_t)depth > MOST) fail("sources and depth");

  int64_t started = microseconds();
  for (uint32_t number = 0; number < counts[0] * (uint32_t)depth; number++) {
    connections[number].source = sources + number % counts[0];
    if (connections[number].source->left > 0) send_next(connections + number);
  }
  while (done < total) {
    struct epoll_event ready[256];
    int count = epoll_wait(events, ready, 256, 60000);
    if (count <= 0) fail("the sink does not answer");
    for (int place = 0; place < count; place++) {
      struct connection *connection = ready[place].data.ptr;
      if (!is_over(connection)) continue;
      if (connection->received < LEAST_RECEIPT || connection->received > MOST_RECEIPT) fail("no receipt");
      times[done++] = microseconds() - connection->begun;
      close(connection->socket);
      if (pause > 0) usleep((useconds_t)pause);
      if (connection->source->left > 0) send_next(connection);
    }
  }
  double seconds = (double)(microseconds() - started) / 1e6;
  qsort(times, (size_t)total, sizeof *times, compare);
  printf("{\"packets\": %lld, \"seconds\": %.6f, \"processor\": %.6f, \"median\": %lld, \"p99\": %lld}\n", (long long)total,
         seconds, processor_seconds(), (long long)times[total / 2], (long long)times[total * 99 / 100]);
  return 0;
}

static void send_junk(struct connection *connection, uint32_t number) {
  uint8_t frame[JUNK + 2] = {JUNK >> 8, JUNK & 0xff};
  uint32_t address = 0x7f040001 + number % JUNK_ADDRESSES / 250 * 256 + number % 250;
  if (getrandom(frame + 2, JUNK, 0) != JUNK) fail("getrandom");
  frame[33] &= 0x7f;  // where a public key never has a bit, and junk with one would cost the sink nothing
  while (begin(connection, address, frame, sizeof frame)) usleep(1000);
}

static volatile sig_atomic_t is_ending;

static void end(int signal) {
  (void)signal;
  is_ending = 1;
}

static int junk(int depth, double limit, double rate) {
  signal(SIGTERM, end);
  int64_t started = microseconds(), sent = 0;
  int idle[MOST], idle_count = depth;  // connections that may be used
  for (int number = 0; number < depth; number++) idle[number] = number;
  while (!is_ending && microseconds() - started < (int64_t)(limit * 1e6)) {
    int64_t due = rate > 0 ? (int64_t)((double)(microseconds() - started) / 1e6 * rate) : INT64_MAX;
    while (idle_count > 0 && sent < due) send_junk(connections + idle[--idle_count], (uint32_t)sent++);
    struct epoll_event ready[256];
    int count = epoll_wait(events, ready, 256, rate > 0 ? 1 : 100);
    for (int place = 0; place < count; place++) {
      struct connection *connection = ready[place].data.ptr;
      if (!is_over(connection)) continue;
      if (connection->received) fail("junk was answered");
      close(connection->socket);
      idle[idle_count++] = (int)(connection - connections);
    }
  }
  printf("{\"frames\": %lld, \"seconds\": %.6f, \"processor\": %.6f}\n", (long long)sent,
         (double)(microseconds() - started) / 1e6, processor_seconds());
  return 0;
}

int main(int count, char **words) {
  events = epoll_create1(EPOLL_CLOEXEC);
  if (count == 6 && !strcmp(words[1], "packets")) {
    port = (uint16_t)atoi(words[3]);
    return packets(words[2], atoi(words[4]), atoll(words[5]));
  }
  if (count == 6 && !strcmp(words[1], "junk") && atoi(words[3]) <= MOST) {
    port = (uint16_t)atoi(words[2]);
    return junk(atoi(words[3]), atof(words[4]), atof(words[5]));
  }
  fprintf(stderr, "usage: storm packets FILE PORT DEPTH PAUSE | storm junk PORT DEPTH SECONDS RATE\n");
  return 64;
}
