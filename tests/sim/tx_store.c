/* The database of strings. Small enough to be searched from its beginning. */
#include "tx_store.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct tx_text tx_text(const char *text)
{
    return (struct tx_text){text, strlen(text)};
}

bool tx_text_is(struct tx_text a, struct tx_text b)
{
    return a.n == b.n && memcmp(a.at, b.at, a.n) == 0;
}

bool tx_word_is(struct tx_text a, const char *word)
{
    return a.n == strlen(word) && strncasecmp(a.at, word, a.n) == 0;
}

struct tx_text tx_name_of(const struct tx_key *k)
{
    return (struct tx_text){k->name, k->name_size};
}

struct tx_text tx_value_of(const struct tx_key *k)
{
    return (struct tx_text){k->value, k->size};
}

bool tx_number(struct tx_text text, int64_t *out)
{
    size_t i = text.n && *text.at == '-';
    int64_t v = 0;
    if (i == text.n || text.n > 18)
        return false;
    for (; i < text.n; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        v = v * 10 + (text.at[i] - '0');
    }
    *out = *text.at == '-' ? -v : v;
    return true;
}

struct tx_key *tx_store_find(struct tx_store *s, struct tx_text name)
{
    for (size_t i = 0; i < s->count; i++)
        if (tx_text_is(tx_name_of(&s->keys[i]), name))
            return &s->keys[i];
    return NULL;
}

struct tx_key *tx_store_put(struct tx_store *s, struct tx_text name, struct tx_text value)
{
    struct tx_key *k = tx_store_find(s, name);
    if (name.n > TX_NAME_MAX || value.n > TX_VALUE_MAX || (!k && s->count == TX_KEYS_MAX))
        abort(); /* a scenario that needs more room */
    if (!k) {
        k = &s->keys[s->count++];
        k->expires = TX_FOR_EVER;
        memcpy(k->name, name.at, name.n);
        k->name_size = name.n;
    }
    memmove(k->value, value.at, value.n);
    k->size = value.n;
    return k;
}

void tx_store_remove(struct tx_store *s, struct tx_key *k)
{
    *k = s->keys[--s->count];
}
