/* client/renewal.h: credentials that a hook gives, and a link's new login before they expire. Pure. */
#ifndef CLIENT_RENEWAL_H
#define CLIENT_RENEWAL_H

#include "client/link.h"

/* Credentials are renewed when this part of their time is left. */
#define RENEWAL_MARGIN 10

/* If there is a hook, user and password of the greeting are what it gives, until renewal_clear. False
 * if it gives none. */
bool renewal_ask(struct link *l, struct greeting *greeting);
/* The handshake was accepted. */
void renewal_settle(struct link *l);
/* Forgets handshake, credentials and times. */
void renewal_clear(struct link *l);
/* The link retires: nobody waits for the answer any more. */
void renewal_abandon(struct link *l);

/* ---- of a READY link ------------------------------------------------------------------------ */

void renewal_advance(struct link *l, int64_t now);
int64_t renewal_wake(const struct link *l);
/* Something came in. */
void renewal_received(struct link *l);
/* Does not wait until they expire. */
void renewal_now(struct link *l);

#endif
