/* The load generator: both ends of many RFB sessions, viewers and their servers, in one thread. */
#ifndef LOAD_H
#define LOAD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef WITH_TLS
#include <openssl/ssl.h>
#else
typedef void SSL;
#endif

enum mode { BULK, UPLOAD, ECHO, PACED, INPUT, IDLE, CHURN };
enum scheme { TCP, WS, WSS };
enum stall { STALL_NONE, STALL_VIEWER, STALL_BACKEND };

/* What a run is told; times in microseconds. */
struct options {
  enum mode mode;
  enum scheme scheme;
  enum stall stall;
  int port, backend_port;
  const char *path;
  int conns, size, rate, burst, mark;
  int64_t warmup, measure, stall_for, open_within;
};

/* What a run counts. `problems` in the report are those that should be zero. */
struct counts {
  int64_t opened, closed, failed, dropped, integrity, protocol, unclosed;
  int64_t sent, received, records;
  int64_t window_bytes, window_records;
};

/* Delays in microseconds, as many as there are. */
struct samples {
  uint32_t *us;
  size_t count, room;
};

enum state { CONNECTING, UPGRADING, OPENING, OPEN, CLOSING, GONE };

/* A run of records of one size: where in which one we are. */
struct records {
  uint32_t seq;
  int at;
  uint8_t head[16];
};

/* One end of a session. */
struct peer {
  int fd;
  bool is_viewer, wants_write, is_stalled, is_stream;
  enum state state;
  SSL *ssl;
  uint32_t id; /* of the session: given by the server, told to the viewer in ServerInit */
  int step;    /* of the opening of RFB */
  uint8_t in[1024];
  int in_len;
  uint8_t *queue; /* what could not be written at once */
  size_t queue_len, queue_at, queue_room;
  uint8_t frame_head[10]; /* of the frame that is being read */
  int frame_head_len;
  uint64_t frame_left;
  int frame_opcode;
  uint64_t stream_at, stream_read;
  struct records out, into;
  uint8_t *frame; /* an upload's message, masked, and how much of it has left */
  int frame_len, frame_at;
  struct peer *other;
};

extern struct options opt;
extern struct counts counts;
extern struct samples delays;
extern bool is_measuring, is_producing;
extern const uint8_t *pattern;

#define PATTERN_PERIOD 65521
#define READ_BYTES 524288
#define STREAM_BYTES 262144
#define NAME_BYTES 9

int64_t now_us(void);
void add_sample(struct samples *samples, int64_t us);
void watch(struct peer *peer, bool write);
void forget(struct peer *peer);

/* wire.c: sockets, TLS, WebSocket frames. */
void make_pattern(void);
int dial(int port);
int listen_on(int port);
void set_up_tls(void);
void start_tls(struct peer *peer);
long read_some(struct peer *peer, uint8_t *into, size_t room);   /* -1: nothing now, 0: end, -2: broken */
long write_some(struct peer *peer, const uint8_t *from, size_t length);
bool send_all(struct peer *peer, const uint8_t *bytes, size_t length); /* queues what does not leave */
bool flush_queue(struct peer *peer);
int mask_frame(uint8_t *into, int opcode, const uint8_t *payload, int length);
void take_frames(struct peer *viewer, const uint8_t *bytes, size_t length);

/* peers.c: what the two ends say. */
void ask_upgrade(struct peer *viewer);
void greet(struct peer *server);
void on_readable(struct peer *peer);
void on_writable(struct peer *peer);
void take_payload(struct peer *peer, const uint8_t *bytes, size_t length);
void send_frame_to_viewer(struct peer *server);
void send_events(struct peer *viewer, int count);
void start_stream(struct peer *peer);
void close_viewer(struct peer *viewer);
void on_open(struct peer *viewer); /* main.c */
void on_gone(struct peer *peer);   /* main.c */
void on_first_record(struct peer *viewer);
#endif
