/*
 * A QUIC client that does what it reads on standard input:
 *
 *   client PORT NAME ALPN CERTIFICATE
 *
 * It connects to the port of 127.0.0.1, where only the certificate (a DER file) is trusted, and for that name. Each
 * command is answered with one line that begins with "ok" or "failed":
 *
 *   echo BYTES     one stream: sends so many bytes and FIN, and wants the same back
 *   update-keys    RFC 9001 section 6; a second time only when the peer has answered with the new keys
 *   rebind         sends from another port and does not know of it: what a NAT does
 *   migrate        RFC 9000 section 9.2: validates another path, then uses it
 *   close CODE     application close
 *
 * Before all that comes "connected retry=0|1 cipher=NAME". At the end, whoever ends it, a line "closed ...".
 */
#include "client.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum command { NONE, CONNECT, ECHO, UPDATE_KEYS, MIGRATE };
/* How long after a refused key update the next is tried: the last one is not confirmed yet. */
enum { RETRY_MS = 5 };

static void say(const char *line) {
  puts(line);
  fflush(stdout);
}

static void end(const char *line) {
  say(line);
  exit(0);
}

static void begin_echo(struct client *client, size_t bytes) {
  struct echo *echo = &client->echo;
  free(echo->sent);
  *echo = (struct echo){.bytes = bytes, .sent = malloc(bytes)};
  if (echo->sent == NULL) fail("malloc");
  for (size_t i = 0; i < bytes; i++) echo->sent[i] = (uint8_t)(i * 31 + (i >> 8));
  int result = ngtcp2_conn_open_bidi_stream(client->conn, &echo->stream, NULL);
  if (result == 0) return;
  fprintf(stderr, "no stream: %s\n", ngtcp2_strerror(result));
  exit(1);
}

static void begin_migration(struct client *client) {
  struct way *way = &client->ways[client->way_count];
  if (client->way_count == WAYS) exit(2);
  way->socket = open_socket(&way->local, &client->server);
  client->way_count++;
  client->migration = MIGRATING;
  ngtcp2_path path = {.local = {(ngtcp2_sockaddr *)&way->local, sizeof way->local},
                      .remote = {(ngtcp2_sockaddr *)&client->server, sizeof client->server}};
  if (ngtcp2_conn_initiate_migration(client->conn, &path, now()) != 0) client->migration = NOT_VALIDATED;
}

/* The address that ngtcp2 knows stays; the socket is another. */
static void rebind_socket(struct client *client) {
  struct sockaddr_in ignored;
  close(client->ways[0].socket);
  client->ways[0].socket = open_socket(&ignored, &client->server);
}

/* NONE: it is answered already. */
static enum command begin(struct client *client, const char *line) {
  size_t bytes;
  uint64_t code;
  if (sscanf(line, "echo %zu", &bytes) == 1) {
    begin_echo(client, bytes);
    return ECHO;
  }
  if (strcmp(line, "update-keys") == 0) return UPDATE_KEYS;
  if (strcmp(line, "migrate") == 0) {
    begin_migration(client);
    return MIGRATE;
  }
  if (strcmp(line, "rebind") == 0) {
    rebind_socket(client);
    say("ok");
    return NONE;
  }
  if (sscanf(line, "close %" SCNu64, &code) == 1) {
    ngtcp2_connection_close_error why;
    ngtcp2_connection_close_error_set_application_error(&why, code, NULL, 0);
    client_close(client, &why);
    end("closed by us");
  }
  fprintf(stderr, "what is \"%s\"?\n", line);
  exit(2);
}

/* What is left of the command. */
static enum command go_on(struct client *client, enum command command) {
  if (command == CONNECT && client->confirmed) {
    printf("connected retry=%d cipher=%s\n", client->retried, gnutls_cipher_get_name(gnutls_cipher_get(client->tls)));
    fflush(stdout);
    return NONE;
  }
  if (command == ECHO && client->echo.closed) {
    bool whole = !client->echo.differs && client->echo.received == client->echo.bytes;
    say(whole ? "ok" : "failed: other bytes came back");
    return NONE;
  }
  if (command == UPDATE_KEYS && ngtcp2_conn_initiate_key_update(client->conn, now()) == 0) {
    say("ok");
    return NONE;
  }
  if (command == MIGRATE && client->migration != MIGRATING) {
    say(client->migration == MIGRATED ? "ok" : "failed: the path was not validated");
    return NONE;
  }
  return command;
}

static void over(struct client *client, int result) {
  if (client->reset) end("closed by stateless reset");
  char line[256];
  ngtcp2_connection_close_error why;
  if (result == NGTCP2_ERR_DRAINING) {
    ngtcp2_conn_get_connection_close_error(client->conn, &why);
    bool application = why.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION;
    snprintf(line, sizeof line, "closed by peer %s=0x%" PRIx64 " %.*s", application ? "application" : "transport",
             why.error_code, (int)(why.reasonlen < 100 ? why.reasonlen : 100), (const char *)why.reason);
    end(line);
  }
  if (result == NGTCP2_ERR_CRYPTO) {
    uint8_t alert = ngtcp2_conn_get_tls_alert(client->conn);
    ngtcp2_connection_close_error_set_transport_error_tls_alert(&why, alert, NULL, 0);
    client_close(client, &why);
    snprintf(line, sizeof line, "closed by us: tls alert %d", alert);
    end(line);
  }
  ngtcp2_connection_close_error_set_transport_error_liberr(&why, result, NULL, 0);
  client_close(client, &why);
  snprintf(line, sizeof line, "closed by us: %s", ngtcp2_strerror(result));
  end(line);
}

/* A line without its end; NULL when there is none yet. */
static char *read_line(void) {
  static char buffer[256];
  static size_t length, begun;
  memmove(buffer, buffer + begun, length -= begun);
  begun = 0;
  char *newline = memchr(buffer, '\n', length);
  if (newline == NULL) {
    ssize_t got = read(STDIN_FILENO, buffer + length, sizeof buffer - length);
    if (got <= 0) exit(0); /* nobody is left to say what to do */
    length += (size_t)got;
    newline = memchr(buffer, '\n', length);
  }
  if (newline == NULL) return NULL;
  *newline = 0;
  begun = (size_t)(newline - buffer) + 1;
  return buffer;
}

static int timeout_ms(struct client *client, enum command command) {
  if (command == UPDATE_KEYS) return RETRY_MS;
  ngtcp2_tstamp expiry = ngtcp2_conn_get_expiry(client->conn), at = now();
  if (expiry == UINT64_MAX) return -1;
  return expiry <= at ? 0 : (int)((expiry - at + NGTCP2_MILLISECONDS - 1) / NGTCP2_MILLISECONDS);
}

int main(int count, char **args) {
  if (count != 5) return 2;
  static struct client client;
  client.server = (struct sockaddr_in){.sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)atoi(args[1])),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  client_open(&client, args[2], args[3], args[4]);
  enum command command = CONNECT;
  for (;;) {
    int result = client_write(&client);
    if (result != 0) over(&client, result);
    /* Commands are read one at a time. */
    struct pollfd files[1 + WAYS] = {{.fd = command == NONE ? STDIN_FILENO : -1, .events = POLLIN}};
    for (int i = 0; i < client.way_count; i++)
      files[1 + i] = (struct pollfd){.fd = client.ways[i].socket, .events = POLLIN};
    if (poll(files, 1 + (nfds_t)client.way_count, timeout_ms(&client, command)) < 0) fail("poll");
    for (int i = 0; i < client.way_count; i++) {
      result = files[1 + i].revents != 0 ? client_read(&client, &client.ways[i]) : 0;
      if (result != 0) over(&client, result);
    }
    if (ngtcp2_conn_get_expiry(client.conn) <= now()) {
      result = ngtcp2_conn_handle_expiry(client.conn, now());
      if (result != 0) over(&client, result);
    }
    char *line = files[0].revents != 0 ? read_line() : NULL;
    if (line != NULL) command = begin(&client, line);
    command = go_on(&client, command);
  }
}
