/* What a credentials hook fills in. Pure. */
#include "client/credentials.h"

#include "base/alloc.h"

#include <string.h>

void credentials_wipe(char *secret)
{
    if (secret)
        alloc_wipe(secret, strlen(secret));
    alloc_free(secret);
}

void credentials_clear(struct vouch_credentials *c)
{
    credentials_wipe(c->username);
    credentials_wipe(c->password);
    c->username = c->password = NULL;
}

vouch_status vouch_credentials_set(vouch_credentials *out, const char *username,
                                   const char *password, int64_t valid_ms)
{
    if (!out || !password || (valid_ms <= 0 && valid_ms != VOUCH_NO_DEADLINE))
        return VOUCH_EINVAL;
    size_t user_size = username ? strnlen(username, VOUCH_SECRET_MAX + 1) : 0;
    size_t password_size = strnlen(password, VOUCH_SECRET_MAX + 1);
    if (user_size > VOUCH_SECRET_MAX || password_size > VOUCH_SECRET_MAX)
        return VOUCH_EINVAL;
    char *user = username ? alloc_copy(username, user_size) : NULL;
    char *secret = alloc_copy(password, password_size);
    if ((username && !user) || !secret) {
        credentials_wipe(user);
        credentials_wipe(secret);
        return VOUCH_ENOMEM;
    }
    credentials_clear(out);
    *out = (struct vouch_credentials){user, secret, valid_ms};
    return VOUCH_OK;
}
