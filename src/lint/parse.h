/* lint/parse.h: inside the parser.
 *
 *   parse.c             tokens, remarks, nodes; the way in
 *   parse_scope.c       functions, blocks and variables, with the compiler's limits on them
 *   parse_registers.c   where the compiler would put each value, for its limit on registers
 *   parse_constants.c   what a function's constants are, and which an instruction can name
 *   parse_operator.c    expressions
 *   parse_expression.c  what stands between operators: literals, functions, calls, fields
 *   parse_table.c       table constructors
 *   parse_statement.c   statements
 *   parse_block.c       branches and loops
 *   parse_assign.c      declarations, assignments, calls
 *
 * It follows the reference compiler of 5.1, which has no tree: what that refuses depends on its own course
 * (levels of recursion, registers, the line a token was read on), so the same course is taken here.
 *
 * Once something has ended it (a SYNTAX remark, a lack of memory) `stopped` is set and every further token is
 * the end of the source: all loops end by themselves, and nothing more is remarked. */
#ifndef LINT_PARSE_H
#define LINT_PARSE_H

#include "lint/tree.h"
#include "lua/lexer.h"

/* Limits of the compiler (5.1: luaconf.h, lopcodes.h). */
enum {
    PARSE_LOCALS_MAX = 200,      /* active in one function, hidden ones of loops too */
    PARSE_UPVALUES_MAX = 60,     /* of one function */
    PARSE_LEVELS_MAX = 200,      /* blocks and expressions in one another */
    PARSE_REGISTERS_MAX = 249,   /* of one function at once */
    PARSE_OPERANDS_MAX = 256,    /* constants of a function that an instruction can name */
    PARSE_VARIABLES_MAX = 32767, /* of one function, in scope or not */
    PARSE_CONSTANTS_MAX = 262143 /* of one function; as many functions in it */
};

struct parse_token {
    struct lua51_token word;
    size_t end_line; /* of its last byte */
};

/* A name, once for all its places. */
struct parse_symbol {
    const char *text;
    size_t size;
    struct parse_local *top; /* the innermost variable of that name that is in scope */
    struct parse_symbol *next;
};

/* A variable that is in scope, or about to be. */
struct parse_local {
    struct lint_variable *variable;
    struct parse_symbol *symbol;  /* NULL: a hidden one, which no name can mean */
    struct parse_local *shadowed; /* of the same name, further out */
    struct parse_local *below;    /* declared before it */
    struct parse_function *function;
    int reg;
};

struct parse_block {
    struct parse_block *outer;
    struct parse_local *below; /* the newest local when it began */
    int active;
    bool loop;
};

struct parse_function {
    struct parse_function *outer;
    struct lint_node *node;
    struct parse_block *block;
    int active;  /* registers of variables in scope: [0, active) */
    int pending; /* declared, not in scope yet */
    int free;    /* first register that is not in use */
    uint32_t id; /* its number in the source */
    uint32_t constant_count, function_count, variable_count;
    size_t upvalue_count;
    const struct lint_variable *upvalues[PARSE_UPVALUES_MAX];
    bool locals_told, upvalues_told, registers_told; /* one remark each is enough */
};

/* Where the compiler has the value of an expression. */
enum parse_place {
    PLACE_VOID, /* there is none */
    PLACE_NIL,
    PLACE_TRUE,
    PLACE_FALSE,
    PLACE_STRING,
    PLACE_NUMBER,
    PLACE_LOCAL, /* `reg` */
    PLACE_UPVALUE,
    PLACE_GLOBAL,
    PLACE_INDEXED, /* object in `reg`, key in `key`, or -1 for a constant */
    PLACE_JUMP,    /* a comparison */
    PLACE_ANY,     /* an instruction whose register is still open */
    PLACE_ANY_NOT,
    PLACE_ANY_CONCAT,
    PLACE_REGISTER, /* `reg` */
    PLACE_CALL,     /* a call that begins at `reg` */
    PLACE_DOTS
};

/* An expression just read. */
struct parsed {
    struct lint_node *node;
    enum parse_place place;
    int reg, key;
    double number;
    uint32_t constant;      /* of a STRING: its number among the function's constants */
    bool if_true, if_false; /* jumps out of `and` and `or` wait to be put right */
};

struct parser {
    struct arena *arena;
    struct lint_tree *tree;
    struct lua51_lexer lexer;
    struct parse_token now, after;
    size_t line;      /* the compiler's line: where the last token that it has read ends */
    size_t last_line; /* the same when the last token was taken */
    int levels;
    struct parse_function *function;
    struct parse_local *locals; /* the newest first */
    struct parse_symbol **symbols;
    struct parse_constant **constants;
    size_t symbol_mask; /* of both */
    uint32_t functions; /* so far */
    struct lint_remark **remark_end;
    struct lint_comment **comment_end;
    bool stopped;
    bool no_memory;
    struct lint_node spare; /* stands in where memory is short */
    struct parse_local no_local;
    struct lint_variable no_variable;
};

/* A list of nodes as it grows. */
struct parse_list {
    struct lint_node *first, **end;
    size_t count;
};

static inline struct parse_list parse_list_of(void)
{
    return (struct parse_list){NULL, NULL, 0};
}

/* ---- parse.c ---- */
void *parse_get(struct parser *p,
                size_t size); /* zeroed; NULL: memory is short, and it has stopped */
void parse_next(struct parser *p);
void parse_remark(struct parser *p, enum lint_remark_kind kind, const struct lua51_token *from,
                  const struct lua51_token *to, const char *message);
/* A SYNTAX remark at the present token, and the end. */
void parse_fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* How the present token reads in a message; its text is the arena's or static. */
const char *parse_token_words(struct parser *p, const struct lua51_token *token);
struct lint_node *parse_node(struct parser *p, enum lint_kind kind, const struct lua51_token *at);
/* One that begins with another node, and is told to be where that begins. */
struct lint_node *parse_node_from(struct parser *p, enum lint_kind kind,
                                  const struct lua51_token *begin);
void parse_add(struct parse_list *list, struct lint_node *parent, struct lint_node *node);
void parse_adopt(struct lint_node *parent, struct lint_node *node); /* NULL is allowed */
void parse_finish(struct parser *p, struct lint_node *node); /* it ends with the last token taken */
bool parse_take(struct parser *p, int operator); /* an operator, if that is what comes */
bool parse_take_word(struct parser *p, enum lua51_keyword word);
void parse_want(struct parser *p, int operator);
/* What closes something that was opened by `opener`, at its line. */
void parse_want_closer(struct parser *p, int operator, const struct lua51_token * opener);
void parse_want_word(struct parser *p, enum lua51_keyword word, const struct lua51_token *opener);
/* A token that begins where the one before it ends. */
bool parse_is_adjacent(const struct parser *p);
bool parse_is_bad_byte(const struct lua51_token *token, char byte);
struct lint_node *parse_name(struct parser *p);        /* a NAME node that is not looked up yet */
struct lint_node *parse_name_string(struct parser *p); /* a name that stands for a string */
bool parse_enter(struct parser *p);                    /* a level; false: too many */
void parse_leave(struct parser *p);

/* ---- parse_scope.c ---- */
void parse_open_function(struct parser *p, struct parse_function *f, struct lint_node *node);
void parse_close_function(struct parser *p);
void parse_open_block(struct parser *p, struct parse_block *block, bool loop);
void parse_close_block(struct parser *p);
/* Declares; not in scope before parse_activate. `node` NULL and `text` NULL: a hidden one. */
struct lint_variable *parse_declare(struct parser *p, struct lint_node *node, const char *text,
                                    size_t size);
void parse_activate(struct parser *p, int count);
/* What a name means here; fills its place. */
void parse_look_up(struct parser *p, struct parsed *e, bool write);

/* ---- parse_constants.c: numbers of constants, from 0, of the present function ---- */
uint32_t constant_text(struct parser *p, const char *text, size_t size);
uint32_t constant_number(struct parser *p, double number);
uint32_t constant_word(struct parser *p, enum parse_place place); /* NIL, TRUE or FALSE */

/* ---- parse_registers.c ---- */
struct parsed place_text(struct parser *p, struct lint_node *string);
void place_reserve(struct parser *p, int count);
void place_settle(struct parser *p, struct parsed *e);  /* variables to values */
void place_next(struct parser *p, struct parsed *e);    /* into the next register */
void place_any(struct parser *p, struct parsed *e);     /* into some register */
void place_value(struct parser *p, struct parsed *e);   /* jumps put right */
void place_operand(struct parser *p, struct parsed *e); /* some register, or a constant */
void place_index(struct parser *p, struct parsed *object, struct parsed *key);
void place_method(struct parser *p, struct parsed *object, struct parsed *name);
void place_call(struct parser *p, struct parsed *e, struct parsed *last, int base);
void place_infix(struct parser *p, enum lint_operator op, struct parsed *left);
void place_binary(struct parser *p, enum lint_operator op, struct parsed *left,
                  struct parsed *right);
void place_unary(struct parser *p, enum lint_operator op, struct parsed *e);
void place_condition(struct parser *p, struct parsed *e);
/* `wanted` values of a list of `count`, whose last is `last`. */
void place_adjust(struct parser *p, int wanted, int count, struct parsed *last);
void place_all(struct parser *p, struct parsed *last); /* every result of a call or `...` */
void place_store(struct parser *p, const struct parsed *target, struct parsed *e);
static inline bool place_is_many(const struct parsed *e)
{
    return e->place == PLACE_CALL || e->place == PLACE_DOTS;
}

static inline struct parsed parsed_as(struct lint_node *node, enum parse_place place)
{
    return (struct parsed){.node = node, .place = place};
}

/* ---- parse_operator.c ---- */
void parse_expression(struct parser *p, struct parsed *e);

/* ---- parse_table.c ---- */
void parse_table(struct parser *p, struct parsed *e);

/* ---- parse_expression.c ---- */
void parse_operand(struct parser *p, struct parsed *e); /* what stands between operators */
/* Something that may be called, indexed or assigned to. */
void parse_suffixed(struct parser *p, struct parsed *e);
/* Expressions apart by commas; the last is in *last and not placed. Returns how many. */
int parse_expressions(struct parser *p, struct parse_list *list, struct lint_node *parent,
                      struct parsed *last);
enum parse_function_form { PARSE_ANONYMOUS, PARSE_NAMED, PARSE_METHOD };
/* Behind `function` and its name: parameters and body. `opener` is that word. A function with a name begins with its
 * parameters. */
void parse_function_rest(struct parser *p, struct parsed *e, const struct lua51_token *opener,
                         enum parse_function_form form);

/* ---- parse_block.c: each is given its first word, which is the present token ---- */
struct lint_node *parse_if(struct parser *p, const struct lua51_token *word);
struct lint_node *parse_while(struct parser *p, const struct lua51_token *word);
struct lint_node *parse_do(struct parser *p, const struct lua51_token *word);
struct lint_node *parse_repeat(struct parser *p, const struct lua51_token *word);
struct lint_node *parse_for(struct parser *p, const struct lua51_token *word);

/* ---- parse_assign.c: likewise ---- */
struct lint_node *parse_local(struct parser *p, const struct lua51_token *word);
struct lint_node *parse_function(struct parser *p, const struct lua51_token *word);
struct lint_node *parse_call_or_assignment(struct parser *p, const struct lua51_token *word);

/* ---- parse_statement.c ---- */
/* Statements up to the end of a block, within a level and the present block. */
void parse_statements(struct parser *p, struct parse_list *list, struct lint_node *parent);

#endif
