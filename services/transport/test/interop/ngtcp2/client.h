/* One connection of a client on ngtcp2 0.12 and GnuTLS: a QUIC implementation that shares no line with ours. */
#ifndef CLIENT_H
#define CLIENT_H

#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <stdbool.h>

/* A socket, and the address that ngtcp2 believes it has: after a rebinding they differ. */
struct way {
  int socket;
  struct sockaddr_in local;
};

enum { WAYS = 2 };

/* One stream there and back. */
struct echo {
  int64_t stream; /* -1: none */
  size_t bytes;
  uint8_t *sent;
  size_t taken; /* by ngtcp2 */
  bool fin_taken;
  size_t received;
  bool differs;
  bool closed;
};

enum migration { NOT_MIGRATING, MIGRATING, MIGRATED, NOT_VALIDATED };

struct client {
  struct sockaddr_in server;
  struct way ways[WAYS];
  int way_count;
  ngtcp2_conn *conn;
  gnutls_session_t tls;
  gnutls_certificate_credentials_t trust;
  ngtcp2_crypto_conn_ref ref;
  struct echo echo;
  bool confirmed;
  bool retried;
  bool reset; /* by a stateless reset */
  enum migration migration;
};

ngtcp2_tstamp now(void);
void fail(const char *what);

/* Certificate: DER file with the only certificate that is trusted. */
void client_open(struct client *client, const char *name, const char *alpn, const char *certificate);
int open_socket(struct sockaddr_in *local, const struct sockaddr_in *server);
/* Each answers 0, or why the connection is over as ngtcp2 tells it. */
int client_write(struct client *client);
int client_read(struct client *client, const struct way *way);
/* Tells the peer that the connection is over. */
void client_close(struct client *client, const ngtcp2_connection_close_error *why);

#endif
