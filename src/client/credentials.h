/* client/credentials.h: user and password as the caller's hook gave them. */
#ifndef CLIENT_CREDENTIALS_H
#define CLIENT_CREDENTIALS_H

#include <vouch/client.h>

struct vouch_credentials {
    char *username; /* or NULL */
    char *password; /* NULL: none were set */
    int64_t valid_ms;
};

/* Overwrites and releases what it holds. */
void credentials_clear(struct vouch_credentials *c);
/* Overwrites a secret, then releases it. NULL is allowed. */
void credentials_wipe(char *secret);

#endif
