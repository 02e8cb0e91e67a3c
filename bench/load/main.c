/* The run: opens sessions, warms up, measures, drains, closes; says what happened as JSON, a line an event. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>
#include "load.h"

/* What was sent has this long to arrive, and sockets to be closed. */
#define DRAIN_US 15000000
#define CLOSE_US 5000000
/* Before memory is read, and while it is. */
#define SETTLE_US 1500000

struct options opt = {.mode = BULK, .scheme = WS, .path = "/", .conns = 1, .size = 8192, .rate = 10, .burst = 32,
                      .warmup = 1000000, .measure = 3000000, .stall_for = 5000000, .open_within = 60000000};
struct counts counts;
struct samples delays;
bool is_measuring, is_producing;
static bool is_answered;

static int poller, in_flight, started, wanted;
static struct peer **viewers, **servers, **gone;
static uint32_t viewer_count, server_count, gone_count, alive_servers;
static uint32_t peer_room;
static uint32_t *order; /* of pacing: sessions by the phase they have */
static int64_t pace_began;
static uint64_t pace_turn;

int64_t now_us(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1000000ll + at.tv_nsec / 1000;
}

void add_sample(struct samples *samples, int64_t us) {
  if (samples->count == samples->room) {
    samples->room = samples->room ? samples->room * 2 : 65536;
    samples->us = realloc(samples->us, samples->room * sizeof *samples->us);
  }
  samples->us[samples->count++] = (uint32_t)us;
}

static void rewatch(struct peer *peer, int how) {
  struct epoll_event event = {.data.ptr = peer};
  event.events = (peer->is_stalled ? 0 : EPOLLIN) | (peer->wants_write ? EPOLLOUT : 0);
  epoll_ctl(poller, how, peer->fd, &event);
}

void watch(struct peer *peer, bool write) {
  if (peer->wants_write == write) return;
  peer->wants_write = write;
  rewatch(peer, EPOLL_CTL_MOD);
}

static struct peer *add_peer(int fd, bool is_viewer) {
  struct peer *peer = calloc(1, sizeof *peer);
  peer->fd = fd;
  peer->is_viewer = is_viewer;
  peer->wants_write = is_viewer; /* a viewer is connected when it can write */
  peer->state = is_viewer ? CONNECTING : OPENING;
  rewatch(peer, EPOLL_CTL_ADD);
  return peer;
}

static void open_more(void) {
  while (in_flight < opt.burst && started < wanted) {
    int fd = dial(opt.port);
    started++;
    if (fd < 0) {
      counts.failed++;
      counts.closed++;
      continue;
    }
    in_flight++;
    struct peer *viewer = add_peer(fd, true);
    viewers[viewer_count++] = viewer;
    if (opt.scheme == WSS) start_tls(viewer);
  }
}

void on_open(struct peer *viewer) {
  in_flight--;
  counts.opened++;
  struct peer *server = viewer->id < server_count ? servers[viewer->id] : NULL;
  if (!server || server->other) counts.integrity++; /* somebody else's session */
  else {
    server->other = viewer;
    viewer->other = server;
  }
}

void on_first_record(struct peer *viewer) { close_viewer(viewer); }

/* A socket has ended: what it was decides whether that is a failure. */
void forget(struct peer *peer) {
  if (peer->state == GONE) return;
  bool was_open = peer->state == OPEN;
  if (peer->is_viewer && peer->state < OPEN) {
    counts.failed++;
    in_flight--;
  }
  if (was_open && peer->is_viewer) counts.dropped++;
  if (peer->is_viewer) counts.closed++;
  else alive_servers--;
  peer->state = GONE;
#ifdef WITH_TLS
  if (peer->ssl) SSL_free(peer->ssl);
#endif
  close(peer->fd);
  if (peer->other) peer->other->other = NULL;
  if (!peer->is_viewer) servers[peer->id] = NULL;
  gone[gone_count++] = peer;
}

static void accept_servers(int listener) {
  for (;;) {
    int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (server_count == peer_room) exit(1); /* somebody else dials us */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct peer *server = add_peer(fd, false);
    server->id = server_count;
    servers[server_count++] = server;
    alive_servers++;
    greet(server);
  }
}

/* Sends what is due; returns when the next is. Each session has a phase of its own. */
static int64_t pace(int64_t now) {
  if (!is_producing || pace_began == 0) return now + 100000;
  int64_t interval = 1000000 / opt.rate;
  for (;;) {
    uint64_t count = (uint64_t)opt.conns, round = pace_turn / count, place = pace_turn % count;
    int64_t due = pace_began + (int64_t)round * interval + (int64_t)place * interval / opt.conns;
    if (due > now) return due;
    pace_turn++;
    struct peer *viewer = viewers[order[place]];
    if (viewer->state != OPEN || viewer->is_stream || !viewer->other) continue;
    if (opt.mode == INPUT) send_events(viewer, 2);
    else send_frame_to_viewer(viewer->other);
  }
}

static void tell(const char *event) {
  printf("{\"event\":\"%s\",\"opened\":%lld}\n", event, (long long)counts.opened);
  fflush(stdout);
}

/* A line of whoever started us; its end is the end of the run. */
static void take_answer(void) {
  char line[64];
  if (read(STDIN_FILENO, line, sizeof line) <= 0) exit(1);
  is_answered = true;
}

static void turn(int listener, int64_t until) {
  struct epoll_event events[256];
  int64_t now = now_us(), due = opt.mode == PACED || opt.mode == INPUT ? pace(now) : until;
  int64_t wait = (due < until ? due : until) - now_us();
  if (wait > 20000) wait = 20000;
  if (wait < 0) wait = 0;
  struct timespec timeout = {.tv_nsec = wait * 1000};
  int count = epoll_pwait2(poller, events, 256, &timeout, NULL);
  for (int at = 0; at < count; at++) {
    struct peer *peer = events[at].data.ptr;
    if (!peer) accept_servers(listener);
    else if (events[at].data.ptr == &is_answered) take_answer();
    else {
      if (peer->state != GONE && (events[at].events & EPOLLOUT)) on_writable(peer);
      if (peer->state != GONE && (events[at].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) on_readable(peer);
      if (peer->state != GONE && peer->is_stalled && (events[at].events & (EPOLLHUP | EPOLLERR))) forget(peer);
    }
  }
  for (; gone_count > 0; gone_count--) {
    struct peer *peer = gone[gone_count - 1];
    free(peer->queue);
    free(peer->frame);
    peer->queue = peer->frame = NULL; /* the rest stays: ids point at it */
  }
}

/* Says what has come about and goes on with the work until whoever reads has looked at it, and sent a line. */
static void tell_and_wait(int listener, const char *event) {
  tell(event);
  for (is_answered = false; !is_answered;) turn(listener, now_us() + 20000);
}

static void run_for(int listener, int64_t us) {
  for (int64_t until = now_us() + us; now_us() < until;) turn(listener, until);
}

static int compare(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static void print_delays(const char *name, struct samples *of) {
  qsort(of->us, of->count, sizeof *of->us, compare);
#define AT(share) (of->count ? of->us[(size_t)((double)(of->count - 1) * (share))] : 0)
  printf(",\"%s\":{\"count\":%zu,\"p50\":%u,\"p99\":%u,\"p999\":%u,\"max\":%u}", name, of->count, AT(0.5), AT(0.99),
         AT(0.999), AT(1));
}

static double cpu_seconds(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static bool open_all(int listener) {
  wanted = opt.conns;
  int64_t until = now_us() + opt.open_within;
  while (counts.opened + counts.failed < wanted && now_us() < until) {
    open_more();
    turn(listener, now_us() + 20000);
  }
  return counts.opened == wanted;
}

static void shuffle(void) {
  order = malloc(sizeof *order * (size_t)opt.conns);
  for (int at = 0; at < opt.conns; at++) order[at] = (uint32_t)at;
  uint32_t state = 88172645u;
  for (int at = opt.conns - 1; at > 0; at--) {
    state = state * 1664525u + 1013904223u;
    int other = (int)((state >> 8) % (uint32_t)(at + 1));
    uint32_t kept = order[at];
    order[at] = order[other];
    order[other] = kept;
  }
}

static void start_work(void) {
  is_producing = true;
  pace_began = now_us();
  for (int at = 0; at < opt.conns; at++) {
    struct peer *viewer = viewers[at];
    if (viewer->state != OPEN || !viewer->other) continue;
    if (opt.mode == BULK) start_stream(viewer->other);
    if (opt.mode == UPLOAD) start_stream(viewer);
    if (opt.mode == ECHO) send_events(viewer, 1);
  }
}

static int64_t in_transit(void) { return counts.sent - counts.received; }

/* Waits until what was sent has come. In an echo every message comes twice, so that only bulk can be told. */
static void drain(int listener) {
  is_producing = false;
  for (int64_t until = now_us() + DRAIN_US; in_transit() > 0 && now_us() < until;) turn(listener, now_us() + 20000);
}

static void close_all(int listener) {
  for (uint32_t at = 0; at < viewer_count; at++) close_viewer(viewers[at]);
  for (int64_t until = now_us() + CLOSE_US; alive_servers > 0 && now_us() < until;) turn(listener, now_us() + 20000);
  counts.unclosed = alive_servers;
}

struct stalled {
  struct samples before;
  int64_t absorbed;
};

/* One session's receiver stops; the others go on, and their delays are kept apart. */
static struct stalled stall(int listener) {
  struct stalled seen = {.before = delays};
  delays = (struct samples){0};
  struct peer *viewer = viewers[0], *server = viewer->other;
  if (!server) return seen;
  /* A frame that is under way is not the beginning of the stream: it comes first. */
  for (int64_t until = now_us() + DRAIN_US; viewer->into.seq != server->out.seq && now_us() < until;)
    turn(listener, now_us() + 1000);
  struct peer *deaf = opt.stall == STALL_VIEWER ? viewer : server, *speaker = opt.stall == STALL_VIEWER ? server : viewer;
  viewer->is_stream = server->is_stream = deaf->is_stalled = true;
  rewatch(deaf, EPOLL_CTL_MOD);
  tell_and_wait(listener, "stall_begin");
  int64_t before = counts.sent;
  uint64_t others = pace_turn;
  start_stream(speaker);
  run_for(listener, opt.stall_for);
  seen.absorbed = counts.sent - before - (int64_t)(pace_turn - others) * opt.size;
  is_measuring = false;
  tell_and_wait(listener, "stall_end");
  is_producing = false;
  deaf->is_stalled = false;
  if (deaf->state != GONE) rewatch(deaf, EPOLL_CTL_MOD);
  return seen;
}

static void churn(int listener) {
  int total = opt.conns;
  for (int done = 0; done < total;) {
    int goal = total < opt.mark ? total : done == 0 ? opt.mark : total;
    wanted = goal;
    while (counts.closed < goal) {
      open_more();
      turn(listener, now_us() + 20000);
    }
    done = goal;
    run_for(listener, SETTLE_US);
    tell_and_wait(listener, "mark");
  }
}

static void work(int listener) {
  int64_t began = now_us();
  struct stalled stalled = {0};
  double opening = 0, measured = 0, used = 0;
  int64_t bytes = 0, records = 0;
  if (opt.mode == CHURN) churn(listener);
  else if (open_all(listener)) {
    opening = (double)(now_us() - began) / 1e6;
    tell_and_wait(listener, "established");
    if (opt.mode != IDLE) start_work();
    run_for(listener, opt.warmup);
    tell_and_wait(listener, "measure_begin");
    is_measuring = true;
    bytes = counts.received, records = counts.records;
    began = now_us();
    used = cpu_seconds();
    run_for(listener, opt.measure);
    bytes = counts.received - bytes, records = counts.records - records;
    measured = (double)(now_us() - began) / 1e6;
    used = cpu_seconds() - used;
    if (opt.stall == STALL_NONE) is_measuring = false;
    tell_and_wait(listener, "measure_end");
    if (opt.stall != STALL_NONE) stalled = stall(listener);
    if (opt.mode != IDLE) drain(listener);
    tell("drained");
    if (opt.mode == IDLE || opt.stall != STALL_NONE) run_for(listener, SETTLE_US);
  }
  int64_t lost = opt.mode == ECHO || opt.mode == CHURN || opt.mode == IDLE ? 0 : in_transit();
  close_all(listener);
  printf("{\"event\":\"result\",\"opened\":%lld,\"openingS\":%.6f,\"measuredS\":%.6f,\"loadCpu\":%.3f,"
         "\"bytes\":%lld,\"records\":%lld,\"absorbed\":%lld",
         (long long)counts.opened, opening, measured, measured > 0 ? used / measured : 0, (long long)bytes,
         (long long)records, (long long)stalled.absorbed);
  print_delays("delayUs", &delays);
  print_delays("delayBeforeUs", &stalled.before);
  printf(",\"problems\":{\"failed\":%lld,\"dropped\":%lld,\"integrity\":%lld,\"protocol\":%lld,\"lost\":%lld,"
         "\"unclosed\":%lld}}\n",
         (long long)counts.failed, (long long)counts.dropped, (long long)counts.integrity, (long long)counts.protocol,
         (long long)lost, (long long)counts.unclosed);
}

static int index_of(const char *word, const char *const *words) {
  for (int at = 0; words[at]; at++)
    if (strcmp(word, words[at]) == 0) return at;
  fprintf(stderr, "unknown word %s\n", word);
  exit(2);
}

static void take_option(const char *name, const char *value) {
  static const char *const MODES[] = {"bulk", "upload", "echo", "paced", "input", "idle", "churn", NULL};
  static const char *const SCHEMES[] = {"tcp", "ws", "wss", NULL};
  static const char *const STALLS[] = {"none", "viewer", "backend", NULL};
  int64_t us = (int64_t)(atof(value) * 1e6);
  if (strcmp(name, "--mode") == 0) opt.mode = (enum mode)index_of(value, MODES);
  else if (strcmp(name, "--scheme") == 0) opt.scheme = (enum scheme)index_of(value, SCHEMES);
  else if (strcmp(name, "--stall") == 0) opt.stall = (enum stall)index_of(value, STALLS);
  else if (strcmp(name, "--port") == 0) opt.port = atoi(value);
  else if (strcmp(name, "--backend-port") == 0) opt.backend_port = atoi(value);
  else if (strcmp(name, "--path") == 0) opt.path = value;
  else if (strcmp(name, "--conns") == 0) opt.conns = atoi(value);
  else if (strcmp(name, "--size") == 0) opt.size = atoi(value);
  else if (strcmp(name, "--rate") == 0) opt.rate = atoi(value);
  else if (strcmp(name, "--mark") == 0) opt.mark = atoi(value);
  else if (strcmp(name, "--warmup") == 0) opt.warmup = us;
  else if (strcmp(name, "--secs") == 0) opt.measure = us;
  else if (strcmp(name, "--stall-for") == 0) opt.stall_for = us;
  else if (strcmp(name, "--open-within") == 0) opt.open_within = us;
  else {
    fprintf(stderr, "unknown option %s\n", name);
    exit(2);
  }
}

int main(int argc, char **argv) {
  for (int at = 1; at + 1 < argc; at += 2) take_option(argv[at], argv[at + 1]);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  make_pattern();
  if (opt.scheme == WSS) set_up_tls();
  peer_room = (uint32_t)opt.conns + 64;
  viewers = calloc(peer_room, sizeof *viewers);
  servers = calloc(peer_room, sizeof *servers);
  gone = calloc(peer_room * 2, sizeof *gone);
  shuffle();
  poller = epoll_create1(EPOLL_CLOEXEC);
  int listener = listen_on(opt.backend_port);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  event.data.ptr = &is_answered;
  epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event);
  work(listener);
  return 0;
}
