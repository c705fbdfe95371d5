/* The account of a connection over TLS. Only whole records can be read, so that what counts as handed
 * over are the commands whose last byte is in a record that the client's kernel took to its last
 * byte, and as answered the replies likewise in records that came whole. The proxy in between saw
 * ciphertext alone: each record's header tells how much plaintext it has. */
#ifndef LIVE_ACCOUNT_TLS_H
#define LIVE_ACCOUNT_TLS_H

#include "account.h"

/* What a connection looks like from outside. */
struct sealed {
    int version; /* 12 or 13 */
    /* Records of the handshake that look like data: in TLS 1.3 all that are encrypted. */
    size_t shakes_out, shakes_in;
    /* Ciphertext of the undisturbed run, and of that what is before the first command and the first
     * reply. The server's part may be some bytes longer or shorter in another run: signatures vary. */
    int64_t all_out, all_in, hello_out, hello_in;
};

/* How much they vary, at most. */
#define SEALED_VARIES 8

/* Runs the batch undisturbed, first without TLS to have the sizes of `w`, then with it. */
void account_tls_measure(struct rig *rig, struct work *w, const vouch_client_options *options,
                         int version, struct sealed *sealed);

/* As account_seen, of a connection that is gone; only once, since it takes the proxy's record. */
struct seen account_tls_seen(struct rig *rig, int connection, const struct work *w,
                             const struct sealed *sealed);

#endif
