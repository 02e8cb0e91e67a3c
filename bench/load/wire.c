/* Sockets, TLS and WebSocket frames of the load generator. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "load.h"

const uint8_t *pattern;

/* Bytes that repeat with a period that no buffer has; long enough that any read can be compared in one go. */
void make_pattern(void) {
  uint8_t *bytes = malloc(PATTERN_PERIOD + READ_BYTES);
  uint32_t state = 2463534242u;
  for (int at = 0; at < PATTERN_PERIOD; at++) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    bytes[at] = (uint8_t)(state >> 11);
  }
  for (int at = PATTERN_PERIOD; at < PATTERN_PERIOD + READ_BYTES; at++) bytes[at] = bytes[at - PATTERN_PERIOD];
  pattern = bytes;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int dial(int port) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct sockaddr_in to = loopback(port);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) {
    close(fd);
    return -1;
  }
  return fd;
}

int listen_on(int port) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in at = loopback(port);
  if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 4096) < 0) fail("listen");
  return fd;
}

#ifdef WITH_TLS
static SSL_CTX *tls;

void set_up_tls(void) {
  tls = SSL_CTX_new(TLS_client_method()); /* the certificate is thrown away with the run: nothing to verify */
  SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

void start_tls(struct peer *peer) {
  peer->ssl = SSL_new(tls);
  SSL_set_fd(peer->ssl, peer->fd);
  SSL_set_connect_state(peer->ssl);
}

static long of_tls(struct peer *peer, int result) {
  if (result > 0) return result;
  int error = SSL_get_error(peer->ssl, result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return -1;
  return error == SSL_ERROR_ZERO_RETURN ? 0 : -2;
}
#else
void set_up_tls(void) {
  fprintf(stderr, "built without TLS\n");
  exit(2);
}
void start_tls(struct peer *peer) { (void)peer; }
#endif

static long of_socket(ssize_t result) {
  return result >= 0 ? result : errno == EAGAIN || errno == EINTR ? -1 : -2;
}

long read_some(struct peer *peer, uint8_t *into, size_t room) {
#ifdef WITH_TLS
  if (peer->ssl) return of_tls(peer, SSL_read(peer->ssl, into, (int)room));
#endif
  return of_socket(recv(peer->fd, into, room, 0));
}

long write_some(struct peer *peer, const uint8_t *from, size_t length) {
#ifdef WITH_TLS
  if (peer->ssl) return of_tls(peer, SSL_write(peer->ssl, from, (int)length));
#endif
  return of_socket(send(peer->fd, from, length, MSG_NOSIGNAL));
}

bool flush_queue(struct peer *peer) {
  while (peer->queue_at < peer->queue_len) {
    long wrote = write_some(peer, peer->queue + peer->queue_at, peer->queue_len - peer->queue_at);
    if (wrote <= 0) return false;
    peer->queue_at += (size_t)wrote;
  }
  peer->queue_at = peer->queue_len = 0;
  return true;
}

bool send_all(struct peer *peer, const uint8_t *bytes, size_t length) {
  size_t wrote = 0;
  if (peer->queue_len == 0) {
    long result = write_some(peer, bytes, length);
    wrote = result > 0 ? (size_t)result : 0;
    if (wrote == length) return true;
  }
  size_t left = length - wrote;
  if (peer->queue_len + left > peer->queue_room) {
    peer->queue_room = (peer->queue_len + left) * 2;
    peer->queue = realloc(peer->queue, peer->queue_room);
  }
  memcpy(peer->queue + peer->queue_len, bytes + wrote, left);
  peer->queue_len += left;
  watch(peer, true);
  return false;
}

static const uint8_t MASK[4] = {0x1f, 0xa2, 0x5b, 0xe7};

/* Eight bytes a step: an upload's masking must not be what is measured. */
static void mask(uint8_t *into, const uint8_t *from, int length) {
  uint64_t key, word;
  memcpy(&key, MASK, 4);
  memcpy((uint8_t *)&key + 4, MASK, 4);
  int at = 0;
  for (; at + 8 <= length; at += 8) {
    memcpy(&word, from + at, 8);
    word ^= key;
    memcpy(into + at, &word, 8);
  }
  for (; at < length; at++) into[at] = from[at] ^ MASK[at & 3];
}

/* One final frame as a client sends it; returns its length. */
int mask_frame(uint8_t *into, int opcode, const uint8_t *payload, int length) {
  int at = 2;
  into[0] = (uint8_t)(0x80 | opcode);
  if (length < 126) into[1] = (uint8_t)(0x80 | length);
  else if (length < 65536) {
    into[1] = 0x80 | 126;
    into[at++] = (uint8_t)(length >> 8);
    into[at++] = (uint8_t)length;
  } else {
    into[1] = 0x80 | 127;
    for (int shift = 56; shift >= 0; shift -= 8) into[at++] = (uint8_t)((uint64_t)length >> shift);
  }
  memcpy(into + at, MASK, 4);
  mask(into + at + 4, payload, length);
  return at + 4 + length;
}

static int head_size(const struct peer *viewer) {
  if (viewer->frame_head_len < 2) return 2;
  int length = viewer->frame_head[1] & 0x7f;
  return length < 126 ? 2 : length == 126 ? 4 : 10;
}

static void take_head(struct peer *viewer) {
  const uint8_t *head = viewer->frame_head;
  int size = viewer->frame_head_len;
  uint64_t length = head[1] & 0x7f;
  if (size > 2) {
    length = 0;
    for (int at = 2; at < size; at++) length = length << 8 | head[at];
  }
  viewer->frame_opcode = head[0] & 0x0f;
  bool is_known = viewer->frame_opcode == 0 || viewer->frame_opcode == 2 || viewer->frame_opcode >= 8;
  if ((head[0] & 0x70) || (head[1] & 0x80) || !is_known) counts.protocol++;
  viewer->frame_left = length;
  viewer->frame_head_len = 0;
  viewer->in_len = viewer->frame_opcode >= 8 ? 0 : viewer->in_len;
}

/* A control frame: an answer to a ping, and whether it was the end. */
static bool take_control(struct peer *viewer) {
  if (viewer->frame_opcode == 9) {
    uint8_t frame[140];
    send_all(viewer, frame, (size_t)mask_frame(frame, 10, viewer->in, viewer->in_len));
  }
  viewer->in_len = 0;
  return viewer->frame_opcode == 8;
}

/* Frames of a server in any pieces: payload goes on as it comes. */
void take_frames(struct peer *viewer, const uint8_t *bytes, size_t length) {
  size_t at = 0;
  while (at < length) {
    if (viewer->frame_left == 0) {
      viewer->frame_head[viewer->frame_head_len++] = bytes[at++];
      if (viewer->frame_head_len < head_size(viewer)) continue;
      take_head(viewer);
      if (viewer->frame_left > 0 || viewer->frame_opcode < 8) continue;
    }
    size_t part = length - at < viewer->frame_left ? length - at : (size_t)viewer->frame_left;
    viewer->frame_left -= part;
    if (viewer->frame_opcode < 8) take_payload(viewer, bytes + at, part);
    else {
      if (viewer->in_len + (int)part > 125) counts.protocol++;
      else memcpy(viewer->in + viewer->in_len, bytes + at, part), viewer->in_len += (int)part;
      if (viewer->frame_left == 0 && take_control(viewer)) {
        if (viewer->state == OPEN) counts.dropped++;
        viewer->state = CLOSING;
        return;
      }
    }
    at += part;
  }
}
