/* The words of generated sources that are not written in the rules, and what stands between words. */
#include "lua_grammar_parts.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const names[] = {
    "a", "b", "c", "x", "y", "f", "g", "t", "self", "arg", "_", "_G", "KEYS", "ARGV", "redis",
    "And", "ends", "A_very_long_name_that_goes_on_and_on_0123456789", "a1", "__index",
    /* odd */
    "goto", "_ENV", "const", "end", "1a", "caf\xc3\xa9", "a-b"};
const struct lua_pieces lua_names = {names, COUNT(names), 20, LUA_FIRST_NAME};

static const char *const numbers[] = {
    "0", "1", "42", "3.25", ".5", "5.", "1e5", "1E+5", "1.5e-7", "08", "0x1F", "0XaBcDeF", "0x1p4",
    "0xffffffffffffffff", "1e308", "1e999", "123456789012345678901234567890", "0.0", "00", "0e0",
    "0x1P10", "9007199254740993", "0x0", "1e0005", ".0e1",
    /* odd */
    "3..2", "0x", "0xp1", "0x.8", "0x1.8", "0x1p", "0x1p-4", "1e", "1e+", "1x", "1_0", "1.2.3",
    "5..", "0b1", "1LL", "1i", "0xg", "1and 2", "2do", "1..", "..1", "1.e", "1.e5", "0x1e+1",
    "1e5.5", "1.x", "0x1u", "0X", "1ee5", "08x", "1e5e", "0.x1", "00x1", ". 5", "1f"};
const struct lua_pieces lua_numbers = {numbers, COUNT(numbers), 25, LUA_FIRST_NUMBER};

static const char *const escapes[] = {
    "", "a", "text", "'", "\"", "\\n", "\\\\", "\\'", "\\\"", "\\a\\b\\f\\r\\t\\v", "\\0", "\\65",
    "\\065", "\\255", "\\0651", "\\d", "\\x41", "\\u{48}", "\\\n", "\\\r\n", "\\\r", "\\z  ",
    "\xff", "--", "[[", "]]", "%s", "\t", "\\x", "\\u{", "\\(", "\\_",
    /* odd */
    "\\256", "\\999", "\\3000", "\n", "\r", "\\", "\\\n\n", "\\z\n  ", "\\260x"};
const struct lua_pieces lua_escapes = {escapes, COUNT(escapes), 32, LUA_FIRST_ESCAPE};

/* What is in long strings and comments. */
static const char *const longs[] = {"", "a", "]", "]=", "=", "\n", "\r\n\r\n", "\\", "'", "--",
                                    "[=[", "[", "[=", "\xff", "]=]x",
                                    /* odd */
                                    "[[", "]]", "]==]", "\n[[ ]] ", "[==[", "]]]"};
const struct lua_pieces lua_longs = {longs, COUNT(longs), 14, LUA_FIRST_LONG};

static const char *const gaps[] = {" ", "\n", "\t", "  ", "\r\n", "\n\r", "\r", "\v", "\f", " --\n",
                                   " --\r", " -- x [[ \n", " --[ x\n", " --[=\n", " --[[ x ]] ",
                                   " --[==[ ]] \n ]==] ", "--[[]]", "\n\n", " ---[[ x\n",
                                   "--[=[\n]] ]=]",
                                   /* odd */
                                   "--[[ [[ ]]", "", " ; ", "\\\n", "--[[", "//x\n", "\xc2\xa0"};
const struct lua_pieces lua_gaps = {gaps, COUNT(gaps), 20, LUA_FIRST_GAP};

void lua_word_name(struct lua_text *t, char word[static LUA_WORD_MAX])
{
    (void)snprintf(word, LUA_WORD_MAX, "%s", lua_piece(t, &lua_names));
}

size_t lua_word_number(struct lua_text *t, char word[static LUA_WORD_MAX])
{
    return (size_t)snprintf(word, LUA_WORD_MAX, "%s", lua_piece(t, &lua_numbers));
}

/* With fences of any level; what is in it may end it early. */
static size_t long_string(struct lua_text *t, char word[static LUA_WORD_MAX])
{
    char fence[5] = "====";
    fence[dice_below(&t->dice, 5)] = 0;
    size_t n = (size_t)snprintf(word, LUA_WORD_MAX, "[%s[", fence);
    /* Of level 0, a sound one holds nothing that means anything. */
    for (uint32_t pieces = dice_below(&t->dice, 4); pieces > 0; pieces--) {
        const char *piece = lua_piece(t, &lua_longs);
        if (t->odd || !strpbrk(piece, "[]"))
            n += (size_t)snprintf(word + n, LUA_WORD_MAX - n, "%s", piece);
    }
    return n + (size_t)snprintf(word + n, LUA_WORD_MAX - n, "]%s]", fence);
}

size_t lua_word_string(struct lua_text *t, char word[static LUA_WORD_MAX])
{
    if (lua_chance(t, 4))
        return long_string(t, word);
    char quote = lua_chance(t, 2) ? '"' : '\'';
    size_t n = 0;
    word[n++] = quote;
    for (uint32_t pieces = dice_below(&t->dice, 5); pieces > 0; pieces--) {
        const char *piece = lua_piece(t, &lua_escapes);
        if (t->odd || piece[0] != quote)
            n += (size_t)snprintf(word + n, LUA_WORD_MAX - n, "%s", piece);
    }
    if (lua_chance(t, 30))
        word[n++] = 0;
    word[n++] = quote;
    return n;
}

/* ---- between -------------------------------------------------------------------------------- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Whether two words would be another one without a gap. */
static bool must_part(char before, char after)
{
    if (is_word(before) && is_word(after))
        return true;
    if (before == '.' || after == '.')
        return true;
    return (before == '-' && after == '-') || (before == '[' && (after == '[' || after == '=')) ||
           (after == '=' && strchr("=~<>", before) != NULL);
}

/* A bracket behind this would be a call's. */
static bool is_callable(char before)
{
    return is_word(before) || strchr(")]}'\"", before) != NULL;
}

static const char *between(struct lua_text *t, char before, char after)
{
    if (!must_part(before, after) && lua_chance(t, 3))
        return "";
    if (!lua_chance(t, 12))
        return " ";
    /* Lua 5.1 takes no call whose bracket is on the next line. */
    if (!t->odd && after == '(' && is_callable(before) && !lua_chance(t, 12))
        return "--[[]]";
    const char *gap = lua_piece(t, &lua_gaps);
    return before == '-' && gap[0] == '-' ? " " : gap;
}

void lua_words_join(struct lua_text *t)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->sizes[i] == 0)
            continue;
        ts_buffer_add(&t->grammar->text, t->words[i], t->sizes[i]);
        size_t next = i + 1;
        while (next < t->count && t->sizes[next] == 0)
            next++;
        if (next == t->count)
            return;
        const char *gap = between(t, t->words[i][t->sizes[i] - 1], t->words[next][0]);
        ts_buffer_add(&t->grammar->text, gap, strlen(gap));
    }
}
