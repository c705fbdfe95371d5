/* What the files of the grammar share. */
#ifndef LINT_LUA_GRAMMAR_PARTS_H
#define LINT_LUA_GRAMMAR_PARTS_H

#include "dice.h"
#include "lua_grammar.h"

#include <string.h>

enum {
    LUA_WORDS_MAX = 1500,
    LUA_WORD_MAX = 120,    /* bytes of one */
    LUA_CONTEXTS_MAX = 100 /* functions and loops in one another */
};

/* A source in the making. */
struct lua_text {
    struct lua_grammar *grammar;
    uint64_t dice;
    bool odd; /* what servers are likely to refuse may be in it */
    int depth_max;
    /* 'f' a function, 'v' one that has `...`, 'l' a loop. */
    char contexts[LUA_CONTEXTS_MAX];
    size_t context_count;
    size_t count;
    char words[LUA_WORDS_MAX][LUA_WORD_MAX];
    size_t sizes[LUA_WORDS_MAX];
};

static inline bool lua_chance(struct lua_text *t, uint32_t of)
{
    return dice_below(&t->dice, of) == 0;
}

/* n - spread to n + spread */
static inline uint32_t lua_near(struct lua_text *t, uint32_t n, uint32_t spread)
{
    return n - spread + dice_below(&t->dice, 2 * spread + 1);
}

/* A table of pieces of text, each a construct. The pieces from `sound` on are odd. */
struct lua_pieces {
    const char *const *of;
    size_t count, sound;
    size_t first; /* the number of the first as a construct */
};
const char *lua_piece(struct lua_text *t, const struct lua_pieces *pieces);

/* Names, numbers and strings, each one word. */
void lua_word_name(struct lua_text *t, char word[static LUA_WORD_MAX]);
size_t lua_word_number(struct lua_text *t, char word[static LUA_WORD_MAX]);
size_t lua_word_string(struct lua_text *t, char word[static LUA_WORD_MAX]);
/* Writes all words with what stands between them. */
void lua_words_join(struct lua_text *t);

/* A word dropped, doubled, swapped, replaced or put in. */
void lua_mutate_words(struct lua_text *t);
/* Of the text: a byte flipped or put in, an end too early. */
void lua_mutate_bytes(struct lua_text *t);
/* Other line breaks, a first line for the server, a byte order mark. */
void lua_mutate_layout(struct lua_text *t);

/* Writes a source near a limit, without words. */
void lua_limits_write(struct lua_text *t);

/* ---- of limits: lua_limits.c, and lua_limits_registers.c ---- */
__attribute__((format(printf, 2, 3))) void lua_add(struct lua_text *t, const char *format, ...);
void lua_add_times(struct lua_text *t, uint32_t count, const char *text);
/* n of them, in one declaration: v1, v2, … */
void lua_add_locals(struct lua_text *t, uint32_t count);
/* Values apart by commas; for any number of them. */
void lua_add_atoms(struct lua_text *t, uint32_t count);
void lua_write_registers(struct lua_text *t);
void lua_write_arguments(struct lua_text *t);
void lua_write_returned(struct lua_text *t);
void lua_write_items(struct lua_text *t);
void lua_write_chain(struct lua_text *t);

/* Where constructs are counted from: the grammar's rules come first. */
enum {
    LUA_FIRST_NUMBER = 300,
    LUA_FIRST_ESCAPE = 380,
    LUA_FIRST_LONG = 430,
    LUA_FIRST_GAP = 460,
    LUA_FIRST_NAME = 490,
    LUA_FIRST_MUTATION = 530,
    LUA_FIRST_LIMIT = 560
};
extern const struct lua_pieces lua_numbers, lua_escapes, lua_longs, lua_gaps, lua_names;
extern const char *const lua_mutations[], *const lua_limits[];
extern const size_t lua_mutation_count, lua_limit_count;

#endif
