/*
 * Finds commands in the generated table. Pure; calls nothing but the C library's memcpy.
 *
 * Every batch looks up each command it is given, so the search is made for that: a word is loaded as
 * two integers that overlap, folded to lower case in one operation each, and looked up in an
 * open-addressed table whose hash scripts/commands-generate chose (place, words_of and hash_of
 * there mirror this file).
 *
 * Invariants:
 *  1. No byte outside the word is read; words may lie at any address and need no NUL.
 *  2. Folding sets bit 5 of every byte. A lower-case letter comes of that only from itself and its
 *     capital, so a word that folds like a known one of letters alone is that one. Other bytes can be
 *     mistaken ('_' for DEL, '-' for CR), and 16 bytes are all that the integers hold: rows whose
 *     word has such bytes or is longer are marked inexact and compared byte by byte.
 *  3. No two rows have the same integers, length and container.
 *  4. The slots are at most a quarter full, so that every search meets an empty one.
 */
#include "command/table.h"

#include <stdbool.h>
#include <string.h>

struct row {
    uint64_t head, tail; /* the word, loaded and folded */
    uint16_t tag;        /* the word's length, and 256 times the container it belongs to, if any */
    uint8_t inexact;     /* invariant 2 */
    uint8_t plain;       /* neither inexact nor a container: finding it settles it */
    struct command command;
};

#include "command/table_data.inc"

_Static_assert(sizeof(struct row) <= 64, "a row fits a cache line");
_Static_assert(sizeof(key_specs) / sizeof(key_specs[0]) <= UINT8_MAX,
               "struct command counts so far");

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const uint64_t fold = UINT64_C(0x2020202020202020);

/* The table's words were loaded on a little-endian machine. */
static inline uint64_t load_64(const char *s)
{
    uint64_t word;
    memcpy(&word, s, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint64_t load_32(const char *s)
{
    uint32_t word;
    memcpy(&word, s, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

static inline uint64_t load_8(const char *s)
{
    return (unsigned char)*s;
}

static inline char capital(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* The row whose word folds like this one, of the given container's words or of the commands' (0). */
static inline const struct row *search(const char *word, size_t n, unsigned container)
{
    if (n < WORD_MIN || n > WORD_MAX)
        return NULL;
    uint64_t head, tail = 0;
    if (n >= 8) {
        head = load_64(word);
        tail = load_64(word + n - 8) | fold;
    } else if (n >= 4) {
        head = load_32(word) | load_32(word + n - 4) << 32;
    } else {
        head = load_8(word) | load_8(word + n / 2) << 8 | load_8(word + n - 1) << 16;
    }
    head |= fold;

    uint64_t mixed = (head ^ tail * 5) + ((uint64_t)container << 56);
    uint32_t tag = container << 8 | (uint32_t)n;
    size_t slot = (size_t)(mixed * HASH_MULTIPLIER >> (64 - SLOT_BITS));
    for (; row_slots[slot] != 0; slot = (slot + 1) % (1u << SLOT_BITS)) {
        const struct row *row = &rows[row_slots[slot] - 1];
        if (row->head == head && row->tail == tail && row->tag == tag)
            return row;
    }
    return NULL;
}

static bool is_word(const struct row *row, const char *word, size_t n)
{
    if (!row->inexact)
        return true;
    const char *name = row->command.name + row->command.name_length - n;
    for (size_t i = 0; i < n; i++)
        if (capital(word[i]) != name[i])
            return false;
    return true;
}

/* What a row found by its folded word really is. Out of line, or every search would save the
 * registers that only this needs. */
__attribute__((noinline)) static const struct command *settle(const struct row *row,
                                                              const char *name, size_t n,
                                                              const char *sub, size_t sub_n)
{
    if (!is_word(row, name, n))
        return NULL;
    if (row->command.container == 0 || sub == NULL)
        return &row->command;
    row = search(sub, sub_n, row->command.container);
    return row != NULL && is_word(row, sub, sub_n) ? &row->command : NULL;
}

const struct command *command_find(const char *name, size_t n, const char *sub, size_t sub_n)
{
    const struct row *row = search(name, n, 0);
    if (row == NULL)
        return NULL;
    if (row->plain)
        return &row->command;
    return settle(row, name, n, sub, sub_n);
}

const char *command_forbidden_reason(const struct command *command)
{
    return forbidden_reasons[command->reason];
}

const struct key_spec *command_key_specs(const struct command *command)
{
    return &key_specs[command->specs];
}

const struct command *command_at(size_t index)
{
    return index < ROWS ? &rows[index].command : NULL;
}
