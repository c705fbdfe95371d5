/* Sources, broken: by words, by bytes, by their layout. */
#include "lua_grammar_parts.h"

enum mutation {
    DROP,
    DOUBLE,
    SWAP,
    REPLACE,
    PUT_IN,
    FLIP,
    CUT,
    BYTE,
    NUL,
    TAKE_OUT,
    REPEAT,
    RETURNS,
    BOTH,
    SHEBANG,
    MARK,
    BACKWARDS
};
const char *const lua_mutations[] = {
    "a word dropped",        "a word doubled",     "words swapped",     "a word replaced",
    "a word put in",         "a bit flipped",      "cut short",         "a byte put in",
    "a NUL put in",          "bytes taken out",    "a part repeated",   "line breaks are CR",
    "line breaks are CR LF", "a first line #!lua", "a byte order mark", "line breaks are LF CR"};
const size_t lua_mutation_count = sizeof lua_mutations / sizeof *lua_mutations;

static void note(struct lua_text *t, enum mutation mutation)
{
    t->grammar->used[LUA_FIRST_MUTATION + mutation] = true;
}

/* ---- words ---------------------------------------------------------------------------------- */

static void copy_word(struct lua_text *t, size_t to, size_t from)
{
    memcpy(t->words[to], t->words[from], t->sizes[from]);
    t->sizes[to] = t->sizes[from];
}

static void open_gap(struct lua_text *t, size_t at)
{
    if (t->count == LUA_WORDS_MAX)
        t->count--;
    for (size_t i = t->count++; i > at; i--)
        copy_word(t, i, i - 1);
}

static void other_word(struct lua_text *t, size_t at)
{
    static const char *const others[] = {
        "end",      "(",       ")",      "{",      "}",        ",",    ";",    "local", "do",
        "..",       "...",     ".",      "return", "until",    "'",    "[[",   "--",    "=",
        "f",        "nil",     "break",  "[=",     "]]",       "#",    "$",    "!",     "~=",
        "\xc3\xa9", "'\\256'", "3..2",   "1",      "[",        "]",    "then", "else",  "elseif",
        "if",       "while",   "for",    "in",     "function", "goto", "::",   ":",     "not",
        "-",        "//",      "&",      "|",      "~",        "<<",   ">>",   "--[[",  "\\",
        "\r",       "\n",      "repeat", "and",    "or",       "true", "'x'",  "{}",    "()",
        "<",        "@",       "?",      "`",      "\"",       "[==["};
    const char *word = others[dice_below(&t->dice, sizeof others / sizeof *others)];
    t->sizes[at] = strlen(word);
    memcpy(t->words[at], word, t->sizes[at]);
}

void lua_mutate_words(struct lua_text *t)
{
    for (uint32_t times = 1 + dice_below(&t->dice, 2); times > 0 && t->count > 1; times--) {
        char spare[LUA_WORD_MAX];
        size_t at = dice_below(&t->dice, (uint32_t)t->count - 1), size = t->sizes[at];
        enum mutation mutation = DROP + dice_below(&t->dice, 5);
        note(t, mutation);
        if (mutation == DROP) {
            t->sizes[at] = 0;
        } else if (mutation == DOUBLE) {
            open_gap(t, at);
        } else if (mutation == SWAP) {
            memcpy(spare, t->words[at], size);
            copy_word(t, at, at + 1);
            memcpy(t->words[at + 1], spare, size);
            t->sizes[at + 1] = size;
        } else {
            if (mutation == PUT_IN)
                open_gap(t, at);
            other_word(t, at);
        }
    }
}

/* ---- bytes ---------------------------------------------------------------------------------- */

/* Behind a digit or a dot from `at` on, where a NUL is not refused at once; or `at`. */
static size_t behind_number(const ts_buffer *text, size_t at)
{
    for (size_t i = at; i < ts_buffer_length(text); i++)
        if (strchr(".0123456789", ts_buffer_bytes(text)[i]) && ts_buffer_bytes(text)[i])
            return i + 1;
    return at;
}

/* Puts the first `size` bytes of a text in the place of `old` bytes at `at`. */
static void splice(struct lua_text *t, size_t at, size_t old, const char *bytes, size_t size)
{
    ts_buffer *text = &t->grammar->text, fresh = {0};
    const char *was = ts_buffer_bytes(text);
    size_t length = ts_buffer_length(text);
    ts_buffer_add(&fresh, was, at);
    ts_buffer_add(&fresh, bytes, size);
    ts_buffer_add(&fresh, was + at + old, length - at - old);
    ts_buffer_free(text);
    *text = fresh;
}

void lua_mutate_bytes(struct lua_text *t)
{
    static const char likely[] = "\"'[]=-(){}.,;:#\\\n\r09eExX+~<>";
    ts_buffer *text = &t->grammar->text;
    for (uint32_t times = 1 + dice_below(&t->dice, 2); times > 0; times--) {
        size_t length = ts_buffer_length(text);
        if (length < 2)
            return;
        size_t at = dice_below(&t->dice, (uint32_t)length);
        size_t some = 1 + dice_below(&t->dice, 8);
        if (some > length - at)
            some = length - at;
        enum mutation mutation = FLIP + dice_below(&t->dice, 6);
        char byte = (char)dice_below(&t->dice, 256), part[8];
        note(t, mutation);
        memcpy(part, ts_buffer_bytes(text) + at, some);
        if (mutation == FLIP)
            ts_buffer_bytes(text)[at] ^= (char)(1 << dice_below(&t->dice, 8));
        else if (mutation == CUT)
            splice(t, at, length - at, "", 0);
        else if (mutation == BYTE)
            splice(t, at, 0,
                   lua_chance(t, 3) ? &byte : &likely[(unsigned char)byte % (sizeof likely - 1)],
                   1);
        else if (mutation == NUL)
            splice(t, lua_chance(t, 2) ? at : behind_number(text, at), 0, "", 1);
        else if (mutation == TAKE_OUT)
            splice(t, at, some, "", 0);
        else
            splice(t, at, 0, part, some);
    }
}

/* ---- layout --------------------------------------------------------------------------------- */

static void change_breaks(struct lua_text *t, const char *line_break)
{
    ts_buffer *text = &t->grammar->text;
    for (size_t at = ts_buffer_length(text); at-- > 0;)
        if (ts_buffer_bytes(text)[at] == '\n')
            splice(t, at, 1, line_break, strlen(line_break));
}

void lua_mutate_layout(struct lua_text *t)
{
    static const char *const lines[] = {"#!lua\n",        "#!lua flags=no-writes\r\n",
                                        "#!lua \n\n",     "#!lua",
                                        "#!/bin/lua\n",   "# x\n",
                                        "#!lua name=x\n", "#!\n"};
    const char *line = lines[lua_chance(t, 6) ? dice_below(&t->dice, 8) : dice_below(&t->dice, 3)];
    enum mutation mutation = RETURNS + dice_below(&t->dice, BACKWARDS - RETURNS + 1);
    note(t, mutation);
    if (mutation == RETURNS)
        change_breaks(t, "\r");
    else if (mutation == BOTH)
        change_breaks(t, "\r\n");
    else if (mutation == BACKWARDS)
        change_breaks(t, "\n\r");
    else if (mutation == SHEBANG)
        splice(t, 0, 0, line, strlen(line));
    else
        splice(t, 0, 0, "\xef\xbb\xbf", 3);
}
