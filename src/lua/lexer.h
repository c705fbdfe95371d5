/* lua/lexer.h: the words of a Lua 5.1 source, one after the other, as the server's own lexer cuts them.
 * No allocation, linear time, any bytes.
 *
 *     struct lua51_lexer lexer;
 *     struct lua51_token token;
 *     lua51_open(&lexer, source, size);
 *     while (lua51_next(&lexer, &token))
 *         …
 *
 * The names say 5.1, because the linter is linked with Lua 5.4, which has a lua_next of its own. */
#ifndef LUA_LEXER_H
#define LUA_LEXER_H

#include <stdbool.h>
#include <stddef.h>

enum lua51_kind {
    LUA51_END, /* of the source; empty */
    LUA51_NAME,
    LUA51_KEYWORD,  /* code: enum lua51_keyword */
    LUA51_NUMBER,   /* decimal or hexadecimal, and well-formed, up to a NUL if there is one in it */
    LUA51_STRING,   /* with its quotes or brackets, and well-formed; code: 0 or LUA51_NESTED */
    LUA51_OPERATOR, /* code: its one byte, or an enum lua51_operator */
    LUA51_COMMENT,  /* only if asked for; with its dashes and brackets; code as of a STRING */
    LUA51_BAD,      /* what a server refuses to compile; code: enum lua51_fault */
};

enum lua51_keyword {
    LUA51_AND,
    LUA51_BREAK,
    LUA51_DO,
    LUA51_ELSE,
    LUA51_ELSEIF,
    LUA51_END_WORD,
    LUA51_FALSE,
    LUA51_FOR,
    LUA51_FUNCTION,
    LUA51_IF,
    LUA51_IN,
    LUA51_LOCAL,
    LUA51_NIL,
    LUA51_NOT,
    LUA51_OR,
    LUA51_REPEAT,
    LUA51_RETURN,
    LUA51_THEN,
    LUA51_TRUE,
    LUA51_UNTIL,
    LUA51_WHILE,
};

/* Those of more than one byte. */
enum lua51_operator {
    LUA51_EQUAL = 256, /* == */
    LUA51_UNEQUAL,     /* ~= */
    LUA51_AT_MOST,     /* <= */
    LUA51_AT_LEAST,    /* >= */
    LUA51_CONCAT,      /* .. */
    LUA51_DOTS,        /* ... */
};

enum lua51_fault {
    LUA51_BAD_BYTE,          /* that begins no word */
    LUA51_BAD_NUMBER,        /* 3..2, 0x, 1e */
    LUA51_BAD_ESCAPE,        /* \256 */
    LUA51_BAD_BRACKET,       /* [= without a second [ */
    LUA51_UNFINISHED_STRING, /* at the end of its line */
    LUA51_UNFINISHED_LONG,   /* string or comment, at the end of the source */
};

/* Of a string or comment in [[ ]]: there is a second [[ in it. Servers with their own Lua (seen: Valkey
 * 8.0.1) refuse to compile that, those with the system's (Debian's) do not mind. */
#define LUA51_NESTED 1

struct lua51_token {
    enum lua51_kind kind;
    int code;
    const char *text; /* in the source, `size` bytes, not NUL-terminated */
    size_t size;
    size_t offset;     /* of its first byte in the source */
    size_t line;       /* of its first byte, from 1 */
    size_t line_begin; /* offset at which that line begins */
};

struct lua51_lexer {
    const char *source;
    size_t size;
    size_t shebang; /* bytes of a first line that begins with "#!", without its end; else 0 */
    bool comments;  /* hand them out too; may be changed at any time */
    /* Private: */
    size_t at, line, line_begin;
};

/* Source may hold anything, also NUL, and is borrowed until the last use. NULL is allowed with size 0.
 * A shebang is no token: the server takes it off before it compiles. A NUL between words is BAD, but
 * behind a dot or a number it is part of that, as it is for servers. */
void lua51_open(struct lua51_lexer *lexer, const char *source, size_t size);
/* The next token; false, with an empty token of kind END, when there is none. After a BAD one it goes
 * on behind it, though what follows may be cut elsewhere than its author meant. */
bool lua51_next(struct lua51_lexer *lexer, struct lua51_token *token);

/* What a fault means, for a person; static. */
const char *lua51_fault_sentence(int code);

/* Of an operator of one byte, or an enum lua51_operator. */
static inline bool lua51_is(const struct lua51_token *token, int operator)
{
    return token->kind == LUA51_OPERATOR && token->code == operator;
}

static inline bool lua51_is_keyword(const struct lua51_token *token, enum lua51_keyword word)
{
    return token->kind == LUA51_KEYWORD && token->code == (int)word;
}

/* A name of exactly these letters. */
bool lua51_name_is(const struct lua51_token *token, const char *text);

/* Of a NUMBER: how many of its bytes are read; from a NUL on none is. */
size_t lua51_number_size(const char *text, size_t size);

/* What a STRING stands for: its escapes read, a first line break of a long one left out, every line
 * break as "\n". Unknown escapes are the byte itself, so that "\x41" is x41. Writes at most `room` bytes;
 * returns how many there are. */
size_t lua51_string_read(const struct lua51_token *token, char *out, size_t room);
/* Whether it stands for exactly this text. */
bool lua51_string_is(const struct lua51_token *token, const char *text);

#endif
