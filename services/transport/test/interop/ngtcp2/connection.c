/* What ngtcp2 asks of a client, and datagrams in and out. */
#include "client.h"
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DATAGRAM = 1452, WINDOW = 4 * 1024 * 1024 };

static const char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"
                                 "-GROUP-ALL:+GROUP-SECP256R1:+GROUP-X25519:%DISABLE_TLS13_COMPAT_MODE";

void fail(const char *what) {
  perror(what);
  exit(1);
}

ngtcp2_tstamp now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (ngtcp2_tstamp)time.tv_sec * NGTCP2_SECONDS + (ngtcp2_tstamp)time.tv_nsec;
}

static ngtcp2_conn *conn_of(ngtcp2_crypto_conn_ref *ref) { return ((struct client *)ref->user_data)->conn; }

static void on_rand(uint8_t *out, size_t bytes, const ngtcp2_rand_ctx *context) {
  (void)context;
  if (gnutls_rnd(GNUTLS_RND_RANDOM, out, bytes) != 0) abort();
}

static int on_connection_id(ngtcp2_conn *conn, ngtcp2_cid *id, uint8_t *token, size_t bytes, void *user) {
  (void)conn, (void)user;
  id->datalen = bytes;
  on_rand(id->data, bytes, NULL);
  on_rand(token, NGTCP2_STATELESS_RESET_TOKENLEN, NULL);
  return 0;
}

static int on_retry(ngtcp2_conn *conn, const ngtcp2_pkt_hd *header, void *user) {
  ((struct client *)user)->retried = true;
  return ngtcp2_crypto_recv_retry_cb(conn, header, user);
}

static int on_confirmed(ngtcp2_conn *conn, void *user) {
  (void)conn;
  ((struct client *)user)->confirmed = true;
  return 0;
}

static int on_reset(ngtcp2_conn *conn, const ngtcp2_pkt_stateless_reset *reset, void *user) {
  (void)conn, (void)reset;
  ((struct client *)user)->reset = true;
  return 0;
}

static int on_path(ngtcp2_conn *conn, uint32_t flags, const ngtcp2_path *path, ngtcp2_path_validation_result result,
                   void *user) {
  (void)conn, (void)flags, (void)path;
  struct client *client = user;
  if (client->migration == MIGRATING)
    client->migration = result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS ? MIGRATED : NOT_VALIDATED;
  return 0;
}

static int on_stream_data(ngtcp2_conn *conn, uint32_t flags, int64_t stream, uint64_t offset, const uint8_t *bytes,
                          size_t length, void *user, void *stream_user) {
  (void)flags, (void)stream_user;
  struct echo *echo = &((struct client *)user)->echo;
  if (stream != echo->stream) return 0;
  bool fits = offset == echo->received && offset + length <= echo->bytes;
  if (!fits || memcmp(echo->sent + offset, bytes, length) != 0) echo->differs = true;
  echo->received += length;
  ngtcp2_conn_extend_max_stream_offset(conn, stream, length);
  ngtcp2_conn_extend_max_offset(conn, length);
  return 0;
}

/* Both sides have sent FIN and ours is acknowledged, or the stream was reset: then there is a code. */
static int on_stream_close(ngtcp2_conn *conn, uint32_t flags, int64_t stream, uint64_t code, void *user,
                           void *stream_user) {
  (void)conn, (void)code, (void)stream_user;
  struct echo *echo = &((struct client *)user)->echo;
  if (stream != echo->stream) return 0;
  echo->closed = true;
  if (flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) echo->differs = true;
  return 0;
}

static const ngtcp2_callbacks callbacks = {
    .client_initial = ngtcp2_crypto_client_initial_cb,
    .recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
    .encrypt = ngtcp2_crypto_encrypt_cb,
    .decrypt = ngtcp2_crypto_decrypt_cb,
    .hp_mask = ngtcp2_crypto_hp_mask_cb,
    .update_key = ngtcp2_crypto_update_key_cb,
    .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
    .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
    .get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
    .version_negotiation = ngtcp2_crypto_version_negotiation_cb,
    .recv_retry = on_retry,
    .rand = on_rand,
    .get_new_connection_id = on_connection_id,
    .handshake_confirmed = on_confirmed,
    .recv_stateless_reset = on_reset,
    .path_validation = on_path,
    .recv_stream_data = on_stream_data,
    .stream_close = on_stream_close,
};

static ngtcp2_addr address(const struct sockaddr_in *of) {
  return (ngtcp2_addr){.addr = (ngtcp2_sockaddr *)of, .addrlen = sizeof *of};
}

int open_socket(struct sockaddr_in *local, const struct sockaddr_in *server) {
  int opened = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  socklen_t length = sizeof *local;
  if (opened < 0 || connect(opened, (const struct sockaddr *)server, sizeof *server) != 0 ||
      getsockname(opened, (struct sockaddr *)local, &length) != 0)
    fail("socket");
  return opened;
}

static void open_tls(struct client *client, const char *name, const char *alpn, const char *certificate) {
  gnutls_datum_t protocol = {.data = (unsigned char *)alpn, .size = (unsigned)strlen(alpn)};
  if (gnutls_certificate_allocate_credentials(&client->trust) != 0 ||
      gnutls_certificate_set_x509_trust_file(client->trust, certificate, GNUTLS_X509_FMT_DER) != 1 ||
      gnutls_init(&client->tls, GNUTLS_CLIENT) != 0 ||
      ngtcp2_crypto_gnutls_configure_client_session(client->tls) != 0 ||
      gnutls_priority_set_direct(client->tls, priorities, NULL) != 0 ||
      gnutls_alpn_set_protocols(client->tls, &protocol, 1, GNUTLS_ALPN_MANDATORY) != 0 ||
      gnutls_server_name_set(client->tls, GNUTLS_NAME_DNS, name, strlen(name)) != 0 ||
      gnutls_credentials_set(client->tls, GNUTLS_CRD_CERTIFICATE, client->trust) != 0)
    fail("tls");
  gnutls_session_set_verify_cert(client->tls, name, 0);
  client->ref = (ngtcp2_crypto_conn_ref){.get_conn = conn_of, .user_data = client};
  gnutls_session_set_ptr(client->tls, &client->ref);
}

void client_open(struct client *client, const char *name, const char *alpn, const char *certificate) {
  struct way *way = &client->ways[client->way_count++];
  way->socket = open_socket(&way->local, &client->server);
  client->echo.stream = -1;
  open_tls(client, name, alpn, certificate);
  ngtcp2_cid theirs = {.datalen = 18}, ours = {.datalen = 8};
  on_rand(theirs.data, theirs.datalen, NULL);
  on_rand(ours.data, ours.datalen, NULL);
  ngtcp2_settings settings;
  ngtcp2_settings_default(&settings);
  settings.initial_ts = now();
  ngtcp2_transport_params params;
  ngtcp2_transport_params_default(&params);
  params.initial_max_data = params.initial_max_stream_data_bidi_local = WINDOW;
  params.max_idle_timeout = 30 * NGTCP2_SECONDS;
  ngtcp2_path path = {.local = address(&way->local), .remote = address(&client->server)};
  if (ngtcp2_conn_client_new(&client->conn, &theirs, &ours, &path, NGTCP2_PROTO_VER_V1, &callbacks, &settings, &params,
                             NULL, client) != 0)
    fail("ngtcp2_conn_client_new");
  ngtcp2_conn_set_tls_native_handle(client->conn, client->tls);
}

static void send_to_path(struct client *client, const ngtcp2_path *path, const uint8_t *bytes, size_t length) {
  struct sockaddr_in local;
  memcpy(&local, path->local.addr, sizeof local);
  for (int i = 0; i < client->way_count; i++)
    if (client->ways[i].local.sin_port == local.sin_port)
      (void)!send(client->ways[i].socket, bytes, length, 0); /* a lost packet like any other */
}

int client_write(struct client *client) {
  struct echo *echo = &client->echo;
  bool blocked = false;
  for (;;) {
    bool offers = !blocked && echo->stream >= 0 && !echo->fin_taken;
    ngtcp2_vec rest = {.base = echo->sent + echo->taken, .len = echo->bytes - echo->taken};
    ngtcp2_path_storage path;
    ngtcp2_path_storage_zero(&path);
    ngtcp2_pkt_info info;
    uint8_t packet[DATAGRAM];
    ngtcp2_ssize taken = -1;
    ngtcp2_ssize length = ngtcp2_conn_writev_stream(client->conn, &path.path, &info, packet, sizeof packet, &taken,
                                                    offers ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0,
                                                    offers ? echo->stream : -1, &rest, offers ? 1 : 0, now());
    if (length == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
      blocked = true;
      continue;
    }
    if (length < 0) return (int)length;
    if (taken >= 0) {
      echo->taken += (size_t)taken;
      echo->fin_taken = echo->taken == echo->bytes;
    }
    if (length == 0) break;
    send_to_path(client, &path.path, packet, (size_t)length);
  }
  ngtcp2_conn_update_pkt_tx_time(client->conn, now());
  return 0;
}

int client_read(struct client *client, const struct way *way) {
  ngtcp2_path path = {.local = address(&way->local), .remote = address(&client->server)};
  for (;;) {
    uint8_t packet[65536];
    ssize_t length = recv(way->socket, packet, sizeof packet, 0);
    /* Nothing there, or nobody at the port: QUIC's own timers decide about that. */
    if (length < 0) return 0;
    ngtcp2_pkt_info info = {0};
    int result = ngtcp2_conn_read_pkt(client->conn, &path, &info, packet, (size_t)length, now());
    if (result != 0) return result;
  }
}

void client_close(struct client *client, const ngtcp2_connection_close_error *why) {
  uint8_t packet[DATAGRAM];
  ngtcp2_path_storage path;
  ngtcp2_path_storage_zero(&path);
  ngtcp2_pkt_info info;
  ngtcp2_ssize length =
      ngtcp2_conn_write_connection_close(client->conn, &path.path, &info, packet, sizeof packet, why, now());
  if (length > 0) send_to_path(client, &path.path, packet, (size_t)length);
}
