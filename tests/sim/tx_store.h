/* A database of strings in memory. */
#ifndef TX_STORE_H
#define TX_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TX_KEYS_MAX = 48, TX_NAME_MAX = 128, TX_VALUE_MAX = 512 };

#define TX_FOR_EVER INT64_MAX

struct tx_text {
    const char *at;
    size_t n;
};

struct tx_key {
    char name[TX_NAME_MAX];
    size_t name_size;
    char value[TX_VALUE_MAX];
    size_t size;
    int64_t expires; /* on the server's clock */
};

struct tx_store {
    struct tx_key keys[TX_KEYS_MAX];
    size_t count;
};

struct tx_text tx_text(const char *text);
bool tx_text_is(struct tx_text a, struct tx_text b);
/* Without regard to case. */
bool tx_word_is(struct tx_text a, const char *word);
struct tx_text tx_name_of(const struct tx_key *k);
struct tx_text tx_value_of(const struct tx_key *k);
/* False if it is none. */
bool tx_number(struct tx_text text, int64_t *out);

/* NULL if it is not there. */
struct tx_key *tx_store_find(struct tx_store *s, struct tx_text name);
/* Made if need be; `expires` is for the caller. */
struct tx_key *tx_store_put(struct tx_store *s, struct tx_text name, struct tx_text value);
void tx_store_remove(struct tx_store *s, struct tx_key *k);

#endif
