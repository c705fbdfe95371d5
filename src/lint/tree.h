/* lint/tree.h: a Lua 5.1 source as a tree, and what a server's compiler would say of it.
 *
 * The parser takes more than servers do: what other dialects of Lua allow (`7 // 2`, goto, `;;`) becomes
 * part of the tree, and a remark that names the rule it belongs to. What no dialect allows ends it. So one
 * run finds all that is wrong, and every rule has a tree to look at.
 *
 * All that a tree holds lives in the caller's arena, and borrows the source. Pure. */
#ifndef LINT_TREE_H
#define LINT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* X(KIND, name, a, b, c): what nodes are called in rules, and what their children are; "*name" is a list
 * (linked by `next`), "name" one node or NULL. Children are visited in this order. */
#define LINT_KIND_MAP(X)                                                                           \
    X(CHUNK, "chunk", "*body", NULL, NULL) /* the whole source: a function with `...` */           \
    X(LOCAL, "local", "*names", "*values", NULL)                                                   \
    X(ASSIGN, "assign", "*targets", "*values", NULL)                                               \
    X(CALL_STATEMENT, "call_statement", "call", NULL, NULL)                                        \
    X(DO, "do", "*body", NULL, NULL)                                                               \
    X(WHILE, "while", "condition", "*body", NULL)                                                  \
    X(REPEAT, "repeat", "*body", "condition", NULL)                                                \
    X(IF, "if", "*clauses", NULL, NULL)                                                            \
    X(CLAUSE, "clause", "condition", "*body", NULL)        /* `else` has no condition */           \
    X(FOR_NUMBER, "for_number", "name", "*range", "*body") /* range: from, to and perhaps step */  \
    X(FOR_IN, "for_in", "*names", "*values", "*body")                                              \
    X(FUNCTION_STATEMENT, "function_statement", "target", "func", NULL)                            \
    X(LOCAL_FUNCTION, "local_function", "name", "func", NULL)                                      \
    X(RETURN, "return", "*values", NULL, NULL)                                                     \
    X(BREAK, "break", NULL, NULL, NULL)                                                            \
    X(GOTO, "goto", NULL, NULL, NULL)   /* not of 5.1; with a remark */                            \
    X(LABEL, "label", NULL, NULL, NULL) /* not of 5.1; with a remark */                            \
    X(NIL, "nil", NULL, NULL, NULL)                                                                \
    X(FALSE, "false", NULL, NULL, NULL)                                                            \
    X(TRUE, "true", NULL, NULL, NULL)                                                              \
    X(NUMBER, "number", NULL, NULL, NULL)                                                          \
    X(STRING, "string", NULL, NULL, NULL)                                                          \
    X(DOTS, "dots", NULL, NULL, NULL)                                                              \
    X(FUNCTION, "function", "*parameters", "*body", NULL)                                          \
    X(TABLE, "table", "*fields", NULL, NULL)                                                       \
    X(FIELD, "field", "key", "value", NULL) /* without a key: one of the list */                   \
    X(BINARY, "binary", "left", "right", NULL)                                                     \
    X(UNARY, "unary", "operand", NULL, NULL)                                                       \
    X(INDEX, "index", "object", "key", NULL)                                                       \
    X(CALL, "call", "callee", "*arguments", NULL)                                                  \
    X(METHOD, "method", "object", "name", "*arguments") /* name: a string */                       \
    X(PAREN, "paren", "inner", NULL, NULL)                                                         \
    X(NAME, "name", NULL, NULL, NULL) /* of a variable, where it is used and where declared */

enum lint_kind {
#define LINT_X(kind, name, a, b, c) LINT_##kind,
    LINT_KIND_MAP(LINT_X)
#undef LINT_X
        LINT_KINDS
};

/* X(OPERATOR, as written) */
#define LINT_OPERATOR_MAP(X)                                                                       \
    X(OR, "or")                                                                                    \
    X(AND, "and")                                                                                  \
    X(LESS, "<")                                                                                   \
    X(GREATER, ">")                                                                                \
    X(AT_MOST, "<=")                                                                               \
    X(AT_LEAST, ">=")                                                                              \
    X(UNEQUAL, "~=")                                                                               \
    X(EQUAL, "==")                                                                                 \
    X(CONCAT, "..")                                                                                \
    X(ADD, "+")                                                                                    \
    X(SUBTRACT, "-")                                                                               \
    X(MULTIPLY, "*")                                                                               \
    X(DIVIDE, "/")                                                                                 \
    X(MODULO, "%")                                                                                 \
    X(POWER, "^")                                                                                  \
    X(NOT, "not")                                                                                  \
    X(NEGATE, "-")                                                                                 \
    X(LENGTH, "#")                                                                                 \
    X(FLOOR_DIVIDE, "//") /* from here on not of 5.1; with a remark */                             \
    X(BIT_AND, "&")                                                                                \
    X(BIT_OR, "|")                                                                                 \
    X(BIT_XOR, "~")                                                                                \
    X(BIT_NOT, "~")                                                                                \
    X(SHIFT_LEFT, "<<")                                                                            \
    X(SHIFT_RIGHT, ">>")

enum lint_operator {
#define LINT_X(operator, text) LINT_OP_##operator,
    LINT_OPERATOR_MAP(LINT_X)
#undef LINT_X
        LINT_OPERATORS
};

struct lint_value; /* what data flow found: lint/value.h */

/* A local variable, a parameter, or what a loop counts with. Nodes that name it point here. */
struct lint_variable {
    const char *name; /* `size` bytes in the source */
    size_t size;
    struct lint_node *declared; /* its NAME; NULL: `self`, and `arg` of a function with `...` */
    struct lint_node *function; /* the FUNCTION or CHUNK it belongs to */
    uint32_t id;                /* from 0, in the order of declaration, in the whole tree */
    uint32_t reads;             /* how often it is read */
    uint32_t writes;            /* how often it is assigned to behind its declaration */
    bool parameter, loop;       /* loop: declared by a `for` */
    bool captured;              /* used in a function inside its own */
};

struct lint_node {
    uint8_t kind; /* enum lint_kind */
    uint8_t op;   /* of BINARY and UNARY: enum lint_operator */
    bool vararg;  /* of FUNCTION: it has `...` */
    bool named;   /* of FIELD: `k = v`. Of INDEX: `t.k`. Of FUNCTION: declared by `f:m()`, so
                                that it has `self` */
    uint32_t line,
        column; /* where it is told to be, from 1; columns are bytes. Of BINARY the operator,
                                of INDEX, CALL and METHOD where they begin */
    uint32_t offset, finish;     /* source[offset, finish) is all of it, children too */
    uint32_t at;                 /* the byte that line and column are of */
    struct lint_node *a, *b, *c; /* children, see LINT_KIND_MAP */
    struct lint_node *next;      /* in its parent's list */
    struct lint_node *parent;    /* NULL: the CHUNK */
    union {
        double number; /* NUMBER */
        struct lint_text {
            const char *text; /* STRING: what it stands for, in the arena; NAME, GOTO, LABEL: in the
                                            source */
            size_t size;
        } text;
    };
    struct lint_variable *variable; /* NAME: NULL is a global */
    struct lint_value *value;       /* expressions, once data flow has been: never NULL then */
    void *user;                     /* of whoever walks the tree; NULL to begin with */
};

/* X(REMARK, rule, refused by servers) */
#define LINT_REMARK_MAP(X)                                                                         \
    X(SYNTAX, "syntax", true) /* what no dialect allows; the tree ends there */                    \
    X(OPERATOR_53, "operator-53", true)                                                            \
    X(GOTO_LABEL, "goto-label", true)                                                              \
    X(ATTRIBUTE, "attribute", true)                                                                \
    X(ESCAPE_51, "escape-51", false)                                                               \
    X(EMPTY_STATEMENT, "empty-statement", true)                                                    \
    X(BREAK_NOT_LAST, "break-not-last", true)                                                      \
    X(CALL_ON_NEW_LINE, "call-on-new-line", true)                                                  \
    X(LIMIT, "compiler-limit", true)                                                               \
    X(NESTED_BRACKET, "nested-bracket", false) /* [[ in [[ ]]: some servers refuse it */           \
    X(GOTO_NAME, "goto-as-name", false)

enum lint_remark_kind {
#define LINT_X(remark, rule, refused) LINT_REMARK_##remark,
    LINT_REMARK_MAP(LINT_X)
#undef LINT_X
        LINT_REMARKS
};

struct lint_remark {
    enum lint_remark_kind kind;
    uint32_t line, column, offset, finish;
    const char *
        message; /* what is wrong, and where it helps what to write instead; in the arena or static */
    struct lint_remark
        *next; /* in the order of the source, but for limits, told when they are passed */
};

struct lint_comment {
    uint32_t line, column, offset, finish;
    bool alone; /* nothing but space before it on its line */
    struct lint_comment *next;
};

struct lint_tree {
    const char *source; /* borrowed */
    size_t size;
    size_t shebang; /* bytes of the first line if it begins with "#!", without its end; else 0 */
    struct lint_node *root; /* CHUNK; never NULL once lint_parse was true. Whole only if `whole` */
    bool whole;             /* no SYNTAX remark: all of the source is in the tree */
    bool refused;           /* some remark is of those that servers refuse to compile */
    struct lint_remark *remarks;
    struct lint_comment *comments;
    uint32_t variables; /* how many there are: ids are below */
    uint32_t nodes;     /* how many there are */
    uint32_t lines;
    const uint32_t *line_offsets; /* [lines]: where each begins */
};

/* The longest source, in bytes: positions are 32 bits, and nobody sends a script like that. */
#define LINT_SOURCE_MAX ((size_t)64 << 20)

/* Reads all of a source. False: memory is short, or it is over LINT_SOURCE_MAX (checked by the caller to tell
 * these apart). Any bytes; linear; recursion is bounded by Lua's own limit of 200 levels. */
bool lint_parse(struct arena *arena, const char *source, size_t size, struct lint_tree *tree);

const char *lint_kind_name(enum lint_kind kind);
const char *lint_operator_text(enum lint_operator op);
/* Names of its children, as in LINT_KIND_MAP. */
const char *const *lint_kind_children(enum lint_kind kind);
const char *lint_remark_rule(enum lint_remark_kind kind);

/* The line and column of a byte, from 1. */
void lint_position(const struct lint_tree *tree, uint32_t offset, uint32_t *line, uint32_t *column);

static inline bool lint_is_expression(const struct lint_node *node)
{
    return node->kind >= LINT_NIL && node->kind != LINT_FIELD;
}

#endif
