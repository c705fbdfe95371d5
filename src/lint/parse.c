/* Tokens, remarks and nodes; the way into the parser. Pure. */
#include "lint/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WORDS_ROOM = 64, MESSAGE_ROOM = 200, TOKEN_SHOWN = 24 };

void *parse_get(struct parser *p, size_t size)
{
    void *memory = arena_get(p->arena, size);
    if (memory)
        return memset(memory, 0, size);
    p->no_memory = true;
    p->stopped = true;
    p->now.word.kind = LUA51_END;
    p->after.word.kind = LUA51_END;
    return NULL;
}

/* ---- tokens --------------------------------------------------------------------------------- */

static bool is_alone(const struct parser *p, const struct lua51_token *word)
{
    for (size_t i = word->line_begin; i < word->offset; i++)
        if (p->tree->source[i] != ' ' && p->tree->source[i] != '\t')
            return false;
    return true;
}

static void keep_comment(struct parser *p, const struct lua51_token *word)
{
    struct lint_comment *c = parse_get(p, sizeof *c);
    if (!c)
        return;
    c->line = (uint32_t)word->line;
    c->column = (uint32_t)(word->offset - word->line_begin + 1);
    c->offset = (uint32_t)word->offset;
    c->finish = (uint32_t)(word->offset + word->size);
    c->alone = is_alone(p, word);
    *p->comment_end = c;
    p->comment_end = &c->next;
}

static void remark_nested(struct parser *p, const struct lua51_token *word)
{
    if ((word->kind == LUA51_COMMENT || word->kind == LUA51_STRING) && word->code == LUA51_NESTED)
        parse_remark(p, LINT_REMARK_NESTED_BRACKET, word, word,
                     "`[[` inside of `[[ ]]`: servers with their own Lua refuse it "
                     "(\"nesting of [[...]] is deprecated\"); write [=[ ]=]");
}

static void scan(struct parser *p, struct parse_token *token)
{
    do {
        (void)lua51_next(&p->lexer, &token->word);
        token->end_line = p->lexer.line;
        remark_nested(p, &token->word);
        if (token->word.kind == LUA51_COMMENT)
            keep_comment(p, &token->word);
    } while (token->word.kind == LUA51_COMMENT && !p->stopped);
    if (p->stopped)
        token->word.kind = LUA51_END;
}

void parse_next(struct parser *p)
{
    p->last_line = p->line;
    p->tree->root->finish = (uint32_t)(p->now.word.offset + p->now.word.size);
    p->now = p->after;
    p->line = p->now.end_line;
    if (p->now.word.kind != LUA51_END)
        scan(p, &p->after);
}

bool parse_is_adjacent(const struct parser *p)
{
    return p->now.word.offset + p->now.word.size == p->after.word.offset &&
           p->after.word.kind != LUA51_END;
}

bool parse_is_bad_byte(const struct lua51_token *token, char byte)
{
    return token->kind == LUA51_BAD && token->code == LUA51_BAD_BYTE && token->text[0] == byte;
}

bool parse_take(struct parser *p, int operator)
{
    if (!lua51_is(&p->now.word, operator))
        return false;
    parse_next(p);
    return true;
}

bool parse_take_word(struct parser *p, enum lua51_keyword word)
{
    if (!lua51_is_keyword(&p->now.word, word))
        return false;
    parse_next(p);
    return true;
}

static const char *keyword_text(enum lua51_keyword word)
{
    switch (word) {
    case LUA51_DO:
        return "do";
    case LUA51_END_WORD:
        return "end";
    case LUA51_IN:
        return "in";
    case LUA51_THEN:
        return "then";
    case LUA51_UNTIL:
        return "until";
    default:
        return "a keyword";
    }
}

static void fail_unclosed(struct parser *p, const char *closer, const struct lua51_token *opener)
{
    const char *found = parse_token_words(p, &p->now.word);
    if (opener && opener->line != p->now.word.line)
        parse_fail(p, "%s where `%s` is missing, which closes `%.*s` of line %zu", found, closer,
                   (int)opener->size, opener->text, opener->line);
    else
        parse_fail(p, "%s where `%s` is missing", found, closer);
}

void parse_want_closer(struct parser *p, int operator, const struct lua51_token * opener)
{
    char text[2] = {(char)operator, 0 };
    if (!parse_take(p, operator))
        fail_unclosed(p, text, opener);
}

void parse_want(struct parser *p, int operator)
{
    parse_want_closer(p, operator, NULL);
}

void parse_want_word(struct parser *p, enum lua51_keyword word, const struct lua51_token *opener)
{
    if (!parse_take_word(p, word))
        fail_unclosed(p, keyword_text(word), opener);
}

const char *parse_token_words(struct parser *p, const struct lua51_token *token)
{
    if (token->kind == LUA51_END)
        return "the end of the source";
    char *text = parse_get(p, WORDS_ROOM);
    if (!text)
        return "";
    size_t shown = 0;
    while (shown < token->size && shown < TOKEN_SHOWN && token->text[shown] >= ' ' &&
           token->text[shown] < 0x7f)
        shown++;
    if (shown == 0)
        (void)snprintf(text, WORDS_ROOM, "the byte 0x%02x", (unsigned char)token->text[0]);
    else
        (void)snprintf(text, WORDS_ROOM, "`%.*s%s`", (int)shown, token->text,
                       shown < token->size ? "…" : "");
    return text;
}

/* ---- remarks -------------------------------------------------------------------------------- */

void parse_remark(struct parser *p, enum lint_remark_kind kind, const struct lua51_token *from,
                  const struct lua51_token *to, const char *message)
{
    static const bool refused[] = {
#define LINT_X(remark, rule, refused) refused,
        LINT_REMARK_MAP(LINT_X)
#undef LINT_X
    };
    if (p->stopped)
        return;
    struct lint_remark *r = parse_get(p, sizeof *r);
    if (!r)
        return;
    *r = (struct lint_remark){.kind = kind,
                              .line = (uint32_t)from->line,
                              .column = (uint32_t)(from->offset - from->line_begin + 1),
                              .offset = (uint32_t)from->offset,
                              .finish = (uint32_t)(to->offset + to->size),
                              .message = message};
    *p->remark_end = r;
    p->remark_end = &r->next;
    p->tree->refused = p->tree->refused || refused[kind];
}

/* Of a token that no server would read, why. */
static const char *why_bad(const struct lua51_token *token)
{
    if (parse_is_bad_byte(token, '!'))
        return "`!` is not Lua: write `not`, or `~=` for `!=`";
    if (token->code == LUA51_UNFINISHED_STRING)
        return "a string without its end on the same line (`\\z`, which goes on behind line "
               "breaks, is "
               "not of Lua 5.1)";
    return lua51_fault_sentence(token->code);
}

void parse_fail(struct parser *p, const char *format, ...)
{
    const struct lua51_token at = p->now.word;
    if (p->stopped)
        return;
    const char *message = at.kind == LUA51_BAD ? why_bad(&at) : NULL;
    if (!message) {
        char *written = parse_get(p, MESSAGE_ROOM);
        if (p->stopped)
            return;
        va_list list;
        va_start(list, format);
        (void)vsnprintf(written, MESSAGE_ROOM, format, list);
        va_end(list);
        message = written;
    }
    parse_remark(p, LINT_REMARK_SYNTAX, &at, &at, message);
    p->tree->whole = false;
    p->stopped = true;
    p->now.word.kind = LUA51_END;
    p->after.word.kind = LUA51_END;
}

bool parse_enter(struct parser *p)
{
    if (++p->levels <= PARSE_LEVELS_MAX)
        return true;
    parse_remark(p, LINT_REMARK_LIMIT, &p->now.word, &p->now.word,
                 "more than 200 blocks and expressions inside one another");
    p->tree->whole = false;
    p->stopped = true;
    p->now.word.kind = LUA51_END;
    p->after.word.kind = LUA51_END;
    return false;
}

void parse_leave(struct parser *p)
{
    p->levels--;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

struct lint_node *parse_node(struct parser *p, enum lint_kind kind, const struct lua51_token *at)
{
    struct lint_node *n = parse_get(p, sizeof *n);
    if (!n) {
        memset(&p->spare, 0, sizeof p->spare);
        n = &p->spare;
    }
    n->kind = (uint8_t)kind;
    n->line = (uint32_t)at->line;
    n->column = (uint32_t)(at->offset - at->line_begin + 1);
    n->at = n->offset = (uint32_t)at->offset;
    n->finish = (uint32_t)(at->offset + at->size);
    p->tree->nodes++;
    return n;
}

struct lint_node *parse_node_from(struct parser *p, enum lint_kind kind,
                                  const struct lua51_token *begin)
{
    struct lint_node *n = parse_node(p, kind, begin);
    parse_finish(p, n);
    return n;
}

void parse_finish(struct parser *p, struct lint_node *node)
{
    if (node->finish < p->tree->root->finish)
        node->finish = p->tree->root->finish;
}

void parse_add(struct parse_list *list, struct lint_node *parent, struct lint_node *node)
{
    node->parent = parent;
    if (list->end)
        *list->end = node;
    else
        list->first = node;
    list->end = &node->next;
    list->count++;
}

void parse_adopt(struct lint_node *parent, struct lint_node *node)
{
    if (node)
        node->parent = parent;
}

struct lint_node *parse_name(struct parser *p)
{
    struct lint_node *n = parse_node(p, LINT_NAME, &p->now.word);
    if (p->now.word.kind != LUA51_NAME) {
        parse_fail(p, "%s where a name is expected", parse_token_words(p, &p->now.word));
        n->text.text = "";
        return n;
    }
    n->text.text = p->now.word.text;
    n->text.size = p->now.word.size;
    parse_next(p);
    return n;
}

struct lint_node *parse_name_string(struct parser *p)
{
    struct lint_node *n = parse_name(p);
    n->kind = LINT_STRING;
    return n;
}

/* ---- the way in ----------------------------------------------------------------------------- */

/* The server takes the first line off as a whole: a "\r" in it ends no line. */
static uint32_t find_lines(const char *source, size_t size, size_t shebang, uint32_t *offsets)
{
    uint32_t lines = 1;
    if (offsets)
        offsets[0] = 0;
    for (size_t i = shebang; i < size; i++) {
        char c = source[i];
        if (c != '\n' && c != '\r')
            continue;
        if (i + 1 < size && (source[i + 1] == '\n' || source[i + 1] == '\r') && source[i + 1] != c)
            i++;
        if (offsets)
            offsets[lines] = (uint32_t)(i + 1);
        lines++;
    }
    return lines;
}

static bool open_tree(struct parser *p, const char *source, size_t size)
{
    struct lint_tree *tree = p->tree;
    *tree = (struct lint_tree){.source = source, .size = size, .whole = true};
    lua51_open(&p->lexer, source, size);
    p->lexer.comments = true;
    tree->shebang = p->lexer.shebang;
    tree->lines = find_lines(source, size, tree->shebang, NULL);
    uint32_t *offsets = parse_get(p, tree->lines * sizeof *offsets);
    size_t buckets = 64;
    while (buckets < size / 32 && buckets < ((size_t)1 << 16))
        buckets *= 2;
    p->symbols = parse_get(p, buckets * sizeof(struct parse_symbol *));
    p->constants = parse_get(p, buckets * sizeof(struct parse_constant *));
    p->symbol_mask = buckets - 1;
    tree->root = parse_get(p, sizeof *tree->root);
    if (p->no_memory)
        return false;
    (void)find_lines(source, size, tree->shebang, offsets);
    tree->line_offsets = offsets;
    p->remark_end = &tree->remarks;
    p->comment_end = &tree->comments;
    *tree->root = (struct lint_node){.kind = LINT_CHUNK, .line = 1, .column = 1, .vararg = true};
    tree->nodes = 1;
    return true;
}

static void parse_chunk(struct parser *p)
{
    struct parse_function f;
    struct parse_block block;
    struct parse_list body = parse_list_of();
    parse_open_function(p, &f, p->tree->root);
    parse_open_block(p, &block, false);
    parse_statements(p, &body, p->tree->root);
    if (p->now.word.kind != LUA51_END)
        parse_fail(p, "%s closes nothing that is open", parse_token_words(p, &p->now.word));
    parse_close_block(p);
    parse_close_function(p);
    p->tree->root->a = body.first;
}

bool lint_parse(struct arena *arena, const char *source, size_t size, struct lint_tree *tree)
{
    struct parser p = {.arena = arena, .tree = tree};
    if (size > LINT_SOURCE_MAX || !open_tree(&p, source ? source : "", size))
        return false;
    scan(&p, &p.now);
    if (p.now.word.kind != LUA51_END)
        scan(&p, &p.after);
    p.line = p.last_line = p.now.end_line;
    parse_chunk(&p);
    tree->root->offset = 0;
    tree->root->finish = (uint32_t)size;
    return !p.no_memory;
}
