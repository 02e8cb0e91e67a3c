/* What the two ends of a session say: the opening of RFB 3.8 without a password, then the work of the run. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "load.h"

/* Key and answer of the example in RFC 6455. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define VERSION "RFB 003.008\n"
/* A server answers every eighth pair of events, so that the acknowledgement of the others has to wait. */
#define ANSWER_EVERY 8

static uint8_t reading[READ_BYTES];

static const uint8_t *pattern_at(const struct peer *peer, uint64_t offset) {
  return pattern + (offset + peer->id * 7919ull) % PATTERN_PERIOD;
}

static void put32(uint8_t *into, uint32_t value) { memcpy(into, &value, 4); }

static uint32_t get32(const uint8_t *from) {
  uint32_t value;
  memcpy(&value, from, 4);
  return value;
}

void ask_upgrade(struct peer *viewer) {
  char text[1024];
  int length = snprintf(text, sizeof text,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\nSec-WebSocket-Key: " KEY
                        "\r\n\r\n",
                        opt.path, opt.port);
  viewer->state = UPGRADING;
  send_all(viewer, (uint8_t *)text, (size_t)length);
}

void greet(struct peer *server) { send_all(server, (const uint8_t *)VERSION, 12); }

static void say(struct peer *peer, const void *bytes, int length) {
  if (!peer->is_viewer || opt.scheme == TCP) {
    send_all(peer, bytes, (size_t)length);
    return;
  }
  uint8_t frame[64];
  send_all(peer, frame, (size_t)mask_frame(frame, 2, bytes, length));
}

static void say_server_init(struct peer *server) {
  uint8_t init[24 + NAME_BYTES + 1] = {5, 0, 3, 32, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0, 0, 0, 0, NAME_BYTES};
  snprintf((char *)init + 24, NAME_BYTES + 1, "s%08x", server->id);
  say(server, init, 24 + NAME_BYTES);
}

/* One step of the opening, its bytes being here. */
static void step_server(struct peer *server) {
  switch (server->step++) {
    case 0: say(server, "\1\1", 2); return;
    case 1: say(server, "\0\0\0\0", 4); return;
    default:
      say_server_init(server);
      server->state = OPEN;
      if (opt.mode == CHURN) send_frame_to_viewer(server);
  }
}

static void step_viewer(struct peer *viewer) {
  switch (viewer->step++) {
    case 0:
      if (memcmp(viewer->in, VERSION, 12) != 0) counts.protocol++;
      return say(viewer, VERSION, 12);
    case 1:
      if (memcmp(viewer->in, "\1\1", 2) != 0) counts.protocol++;
      return say(viewer, "\1", 1);
    case 2: return say(viewer, "\1", 1);
    default:
      viewer->id = (uint32_t)strtoul((char *)viewer->in + 25, NULL, 16);
      viewer->state = OPEN;
      on_open(viewer);
  }
}

static size_t open_with(struct peer *peer, const uint8_t *bytes, size_t length) {
  static const int SERVER_NEEDS[] = {12, 1, 1}, VIEWER_NEEDS[] = {12, 2, 4, 24 + NAME_BYTES};
  size_t at = 0;
  while (at < length && peer->state == OPENING) {
    int need = peer->is_viewer ? VIEWER_NEEDS[peer->step] : SERVER_NEEDS[peer->step];
    peer->in[peer->in_len++] = bytes[at++];
    if (peer->in_len < need) continue;
    peer->in[peer->in_len] = 0;
    peer->in_len = 0;
    if (peer->is_viewer) step_viewer(peer);
    else step_server(peer);
  }
  return at;
}

static int record_size(const struct peer *reader) {
  if (!reader->is_viewer) return opt.mode == UPLOAD || reader->is_stream ? opt.size : 16;
  return opt.mode == PACED || opt.mode == CHURN ? opt.size : 16;
}

/* The head of a record: its number, and when it left. Towards servers it is the beginning of RFB messages. */
static void write_head(uint8_t *head, bool is_upload, uint32_t seq, int size) {
  memset(head, 0, 16);
  head[0] = is_upload ? 6 : 4;
  head[1] = is_upload ? 0 : 1;
  if (is_upload) {
    uint32_t text = (uint32_t)size - 8;
    for (int at = 0; at < 4; at++) head[4 + at] = (uint8_t)(text >> (24 - 8 * at));
    put32(head + 8, seq);
  } else {
    put32(head + 4, seq);
    memcpy(head + 8, "\4\1\0\0", 4);
  }
  put32(head + 12, (uint32_t)now_us());
}

static void end_record(struct peer *reader) {
  struct records *into = &reader->into;
  bool is_text = into->head[0] == 6;
  if (get32(into->head + (is_text ? 8 : 4)) != into->seq) counts.integrity++;
  if (is_measuring && !reader->is_stream) add_sample(&delays, (uint32_t)now_us() - get32(into->head + 12));
  counts.records++;
  into->seq++;
  into->at = 0;
  if (!reader->is_viewer && opt.mode == ECHO) send_all(reader, into->head, 16);
  if (!reader->is_viewer && opt.mode == INPUT && into->seq % ANSWER_EVERY == 0) send_all(reader, into->head, 16);
  if (reader->is_viewer && opt.mode == ECHO && is_producing) send_events(reader, 1);
  if (reader->is_viewer && opt.mode == CHURN) on_first_record(reader);
}

static void take_records(struct peer *reader, const uint8_t *bytes, size_t length) {
  struct records *into = &reader->into;
  int size = record_size(reader);
  size_t at = 0;
  while (at < length) {
    if (into->at < 16) {
      into->head[into->at++] = bytes[at++];
    } else {
      size_t left = (size_t)(size - into->at), part = length - at < left ? length - at : left;
      if (memcmp(bytes + at, pattern_at(reader, into->seq * 31ull) + into->at, part) != 0) counts.integrity++;
      into->at += (int)part;
      at += part;
    }
    if (into->at == size) end_record(reader);
  }
}

void take_payload(struct peer *peer, const uint8_t *bytes, size_t length) {
  if (peer->state == OPENING) {
    size_t taken = open_with(peer, bytes, length);
    bytes += taken;
    length -= taken;
  }
  if (length == 0 || peer->state != OPEN) return;
  if (peer->is_viewer && opt.mode == INPUT) return; /* answers, for their acknowledgements alone */
  counts.received += (int64_t)length;
  if (peer->is_viewer && (opt.mode == BULK || (peer->is_stream && opt.stall == STALL_VIEWER))) {
    if (memcmp(bytes, pattern_at(peer, peer->stream_read), length) != 0) counts.integrity++;
    peer->stream_read += length;
  } else take_records(peer, bytes, length);
}

static void take_upgrade(struct peer *viewer, const uint8_t *bytes, size_t length) {
  size_t room = sizeof viewer->in - 1 - (size_t)viewer->in_len, part = length < room ? length : room;
  memcpy(viewer->in + viewer->in_len, bytes, part);
  int before = viewer->in_len;
  viewer->in_len += (int)part;
  viewer->in[viewer->in_len] = 0;
  char *end = strstr((char *)viewer->in, "\r\n\r\n");
  if (!end) return;
  bool is_good = strncmp((char *)viewer->in, "HTTP/1.1 101", 12) == 0 && strstr((char *)viewer->in, ACCEPT);
  if (!is_good) return forget(viewer);
  size_t used = (size_t)(end + 4 - (char *)viewer->in - before);
  viewer->in_len = 0;
  viewer->state = OPENING;
  take_frames(viewer, bytes + used, length - used);
}

static void take(struct peer *peer, const uint8_t *bytes, size_t length) {
  if (peer->state == UPGRADING) take_upgrade(peer, bytes, length);
  else if (peer->is_viewer && opt.scheme != TCP) take_frames(peer, bytes, length);
  else take_payload(peer, bytes, length);
}

void on_readable(struct peer *peer) {
  if (peer->is_stalled) return;
  do {
    long got = read_some(peer, reading, sizeof reading);
    if (got == -1) return;
    if (got <= 0) return forget(peer);
    take(peer, reading, (size_t)got);
  } while (peer->ssl && peer->state != GONE);
}

void send_frame_to_viewer(struct peer *server) {
  static uint8_t record[READ_BYTES];
  struct records *out = &server->out;
  write_head(record, false, out->seq, opt.size);
  memcpy(record + 16, pattern_at(server, out->seq * 31ull) + 16, (size_t)opt.size - 16);
  out->seq++;
  counts.sent += opt.size;
  send_all(server, record, (size_t)opt.size);
}

void send_events(struct peer *viewer, int count) {
  for (; count > 0; count--) {
    uint8_t message[16];
    write_head(message, false, viewer->out.seq++, 16);
    counts.sent += 16;
    say(viewer, message, 16);
  }
}

/* The next message of an upload, masked. */
static void make_upload(struct peer *viewer) {
  static uint8_t message[READ_BYTES];
  if (!viewer->frame) viewer->frame = malloc((size_t)opt.size + 14);
  write_head(message, true, viewer->out.seq, opt.size);
  memcpy(message + 16, pattern_at(viewer, viewer->out.seq * 31ull) + 16, (size_t)opt.size - 16);
  viewer->out.seq++;
  if (opt.scheme == TCP) memcpy(viewer->frame, message, (size_t)opt.size), viewer->frame_len = opt.size;
  else viewer->frame_len = mask_frame(viewer->frame, 2, message, opt.size);
  viewer->frame_at = 0;
  counts.sent += opt.size;
}

static void stream_up(struct peer *viewer) {
  if (viewer->frame_at == viewer->frame_len) {
    if (!is_producing) return watch(viewer, false);
    make_upload(viewer);
  }
  long wrote = write_some(viewer, viewer->frame + viewer->frame_at, (size_t)(viewer->frame_len - viewer->frame_at));
  if (wrote > 0) viewer->frame_at += (int)wrote;
}

static void stream_down(struct peer *server) {
  if (!is_producing) return watch(server, false);
  long wrote = write_some(server, pattern_at(server, server->stream_at), STREAM_BYTES);
  if (wrote <= 0) return;
  server->stream_at += (uint64_t)wrote;
  counts.sent += wrote;
}

void start_stream(struct peer *peer) {
  peer->is_stream = true;
  watch(peer, true);
}

void on_writable(struct peer *peer) {
  if (peer->state == CONNECTING) {
    if (opt.scheme == TCP) peer->state = OPENING;
    else ask_upgrade(peer);
  }
  if (!flush_queue(peer)) return;
  bool may_stream = peer->state == OPEN && peer->is_stream;
  if (may_stream && peer->is_viewer && opt.mode != BULK && opt.stall != STALL_VIEWER) stream_up(peer);
  else if (may_stream && !peer->is_viewer && opt.mode != UPLOAD && opt.stall != STALL_BACKEND) stream_down(peer);
  else watch(peer, false);
}

void close_viewer(struct peer *viewer) {
  if (viewer->state != OPEN) return;
  viewer->state = CLOSING;
  uint8_t frame[16];
  if (opt.scheme == TCP) return forget(viewer);
  send_all(viewer, frame, (size_t)mask_frame(frame, 8, (const uint8_t *)"\3\350", 2));
}
