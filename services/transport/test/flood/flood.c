/*
 * Sends UDP datagrams of one kind, or of all of them in turn, to a port of 127.0.0.1 as fast as one thread can:
 *
 *   flood PORT KIND SECONDS [FILE]
 *
 * KIND: random, initial, initial-spoofed, version, short, token, zero-rtt, replay, mix. FILE, for replay and mix: real
 * Initials, each of exactly 1,200 bytes, sent again and again. "spoofed" and "replay" come from random addresses of
 * 127.0.0.0/8. Ends with one line of JSON: {"sent":N,"seconds":S}.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, DATAGRAM = 1200, REAL_MAX = 4096 };

/* First bytes (RFC 9000 section 17.2); the four low bits are masked by header protection, so they may be anything. */
enum { INITIAL = 0xc0, ZERO_RTT = 0xd0, SHORT = 0x40 };

static uint64_t state = 0x9e3779b97f4a7c15u;
static uint8_t real[REAL_MAX][DATAGRAM];
static unsigned real_count, real_next;

static uint64_t any(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static void put_any(uint8_t *at, size_t length) {
  for (size_t done = 0; done < length; done += 8) {
    uint64_t value = any();
    memcpy(at + done, &value, length - done < 8 ? length - done : 8);
  }
}

static void put_version(uint8_t *at, uint32_t version) {
  version = htonl(version);
  memcpy(at, &version, 4);
}

/* The body is noise already; what makes datagrams differ is written anew each time. Each answers the length. */

static size_t fill_random(uint8_t *out) {
  put_any(out, 64);
  return 1 + any() % DATAGRAM;
}

/* A long header with fresh ids of 8 bytes; answers where the rest goes. */
static size_t put_long_header(uint8_t *out, uint8_t first, uint32_t version) {
  out[0] = first | (any() & 0x0f);
  put_version(out + 1, version);
  out[5] = 8;
  put_any(out + 6, 8);
  out[14] = 8;
  put_any(out + 15, 8);
  return 23;
}

/* The length field (RFC 9000 section 16: two bytes begin with 01) covers what is left of the datagram. */
static void put_rest(uint8_t *out, size_t at) {
  size_t left = DATAGRAM - at - 2;
  out[at] = 0x40 | (left >> 8);
  out[at + 1] = left & 0xff;
  put_any(out + at + 2, 32);
}

static size_t fill_initial(uint8_t *out) {
  size_t at = put_long_header(out, INITIAL, 1);
  out[at++] = 0; /* no token */
  put_rest(out, at);
  return DATAGRAM;
}

/* A version of the kind that is reserved for trying this out (section 15), or just any. */
static size_t fill_version(uint8_t *out) {
  uint32_t version = any() & 1 ? 0x0a0a0a0a : (uint32_t)any() | 2;
  put_long_header(out, INITIAL, version);
  return DATAGRAM;
}

static size_t fill_short(uint8_t *out) {
  out[0] = SHORT | (any() & 0x3f);
  put_any(out + 1, 40);
  return 42 + any() % (DATAGRAM - 42);
}

/* A token with the first byte and the length of ours. */
static size_t fill_token(uint8_t *out) {
  size_t at = put_long_header(out, INITIAL, 1);
  out[at++] = 31;
  put_any(out + at, 31);
  out[at] = 0x52;
  put_rest(out, at + 31);
  return DATAGRAM;
}

/* Sixty bytes of this type end a server made of the library's own classes. */
static size_t fill_zero_rtt(uint8_t *out) {
  size_t at = put_long_header(out, ZERO_RTT, 1);
  put_rest(out, at);
  return any() & 1 ? 60 : DATAGRAM;
}

static size_t fill_replay(uint8_t *out) {
  memcpy(out, real[real_next], DATAGRAM);
  real_next = (real_next + 1) % real_count;
  return DATAGRAM;
}

static const struct kind {
  const char *name;
  size_t (*fill)(uint8_t *out);
  int spoofed;
} kinds[] = {
    {"random", fill_random, 0},       {"initial", fill_initial, 0}, {"initial-spoofed", fill_initial, 1},
    {"version", fill_version, 0},     {"short", fill_short, 0},     {"token", fill_token, 0},
    {"zero-rtt", fill_zero_rtt, 0},   {"replay", fill_replay, 1},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

struct slot {
  uint8_t datagram[DATAGRAM];
  struct iovec part;
  union {
    char room[CMSG_SPACE(sizeof(struct in_pktinfo))];
    struct cmsghdr align;
  } control;
};

/* The kernel takes the source address from here: any of 127.0.0.0/8 is this machine's own. */
static void spoof(struct msghdr *message, struct slot *slot) {
  message->msg_control = slot->control.room;
  message->msg_controllen = sizeof slot->control.room;
  struct cmsghdr *header = CMSG_FIRSTHDR(message);
  header->cmsg_level = IPPROTO_IP;
  header->cmsg_type = IP_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
  struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(0x7f000000u | (1 + any() % 0xfffffe))};
  memcpy(CMSG_DATA(header), &info, sizeof info);
}

static void read_real(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    exit(2);
  }
  real_count = fread(real, DATAGRAM, REAL_MAX, file);
  fclose(file);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **args) {
  const char *name = count > 2 ? args[2] : "";
  int is_mix = strcmp(name, "mix") == 0;
  const struct kind *only = NULL;
  for (int i = 0; i < KINDS; i++)
    if (strcmp(name, kinds[i].name) == 0) only = &kinds[i];
  if (count > 4) read_real(args[4]);
  int needs_real = is_mix || (only != NULL && only->fill == fill_replay);
  if (count < 4 || (only == NULL && !is_mix) || (needs_real && real_count == 0)) {
    fprintf(stderr, "flood PORT KIND SECONDS [FILE]\n");
    return 2;
  }
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(args[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int socket_ = socket(AF_INET, SOCK_DGRAM, 0);
  if (socket_ < 0) {
    perror("socket");
    return 1;
  }
  static struct slot slots[BATCH];
  static struct mmsghdr messages[BATCH];
  for (int i = 0; i < BATCH; i++) {
    put_any(slots[i].datagram, DATAGRAM);
    slots[i].part.iov_base = slots[i].datagram;
    messages[i].msg_hdr = (struct msghdr){
        .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &slots[i].part, .msg_iovlen = 1};
  }
  uint64_t sent = 0;
  unsigned turn = 0;
  double begun = now(), end = begun + atof(args[3]), at = begun;
  for (; at < end; at = now()) {
    for (int i = 0; i < BATCH; i++) {
      const struct kind *kind = is_mix ? &kinds[turn++ % KINDS] : only;
      struct msghdr *message = &messages[i].msg_hdr;
      slots[i].part.iov_len = kind->fill(slots[i].datagram);
      message->msg_control = NULL;
      message->msg_controllen = 0;
      if (kind->spoofed) spoof(message, &slots[i]);
    }
    int done = sendmmsg(socket_, messages, BATCH, 0);
    if (done < 0) {
      perror("sendmmsg");
      return 1;
    }
    sent += (uint64_t)done;
  }
  printf("{\"sent\":%llu,\"seconds\":%.3f}\n", (unsigned long long)sent, at - begun);
  return 0;
}
