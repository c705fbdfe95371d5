/* lint/flow.h: inside data flow. An abstract interpretation: the tree is run once or a few times, with facts
 * (sets of what may be there) in place of values.
 *
 *     flow_fact.c        facts: joined, kept once each
 *     flow_letters.c     facts written as text, for the tables of builtins and replies
 *     flow_scan.c        what is told before the first run: which functions are known, what is assigned where
 *     flow_bindings.c    what variables hold now; branches, and what is left where they meet
 *     flow_statement.c   statements
 *     flow_loop.c        loops, run until nothing changes
 *     flow_function.c    the source's own functions: parameters and results joined over calls and returns
 *     flow_expression.c  expressions
 *     flow_compute.c     operators
 *     flow_refine.c      what a condition says of the variables in it
 *     flow_call.c        calls
 *     flow_builtin.c     what the sandbox has
 *     flow_reply.c       what commands answer
 *     flow_table.c       tables made in the source
 *     flow_index.c       t[k], of whatever t is
 *     flow_command.c     lint_call_of
 *     flow.c             rounds over the whole, and lint_flow
 *
 * Invariants:
 *  1. Facts are kept once: equal ones are the same pointer, so that "did it change" is a comparison of pointers.
 *  2. What is joined over the whole source (parameters, results, fields, variables that closures share) only
 *     grows. A round in which none of it grew is the last one.
 *  3. `work` is counted, and beyond a multiple of the source's size the run is `tired`: no more refinement, and
 *     loops forget what is assigned in them instead of being run again. So time is linear, whatever the source.
 *  4. When memory is short `failed` is set and the run goes on with facts that know nothing: no other way out. */
#ifndef LINT_FLOW_H
#define LINT_FLOW_H

#include "command/table.h"
#include "lint/value.h"

struct fact {
    struct lint_value value; /* first: node->value points to it */
    const char *elements; /* of a table that is a reply or made of text: letters of what is in it */
    uint16_t limits;      /* of what is not known: of which types it can be; 0: all. Else 0 */
    double bound;         /* a number, or a text of one, is not larger; 0: who knows */
    bool unsure;          /* there are numbers of which it is not known whether they are whole */
    bool digits;          /* a text that is a whole number */
    bool several;         /* of a call, only in node->value: it may give none, or more than one */
    uint32_t hash;
    struct fact *next;
};

enum { FLOW_ALL_TYPES = (LINT_TYPE_USERDATA << 1) - 1 };

/* Of a fact that is not known. */
static inline unsigned flow_limits(const struct fact *fact)
{
    return fact->limits ? fact->limits : FLOW_ALL_TYPES;
}

/* Takes types off; what is not known can be of none of them either. */
static inline void flow_limit(struct fact *fact, unsigned types)
{
    fact->value.types &= (uint16_t)types;
    if (!fact->value.unknown)
        return;
    fact->limits = (uint16_t)(flow_limits(fact) & types);
    fact->value.unknown = fact->limits != 0;
}

/* What several values are adjusted from: a call's results, `...`. */
enum { FLOW_VALUES = 8 };
struct flow_values {
    size_t count; /* of `at` */
    const struct fact *at[FLOW_VALUES];
    const struct fact *rest; /* all behind; nil: there are no more for sure */
    bool exact;              /* there are `count` for sure */
};

/* A function of the source. Hangs at its FUNCTION's `user`. */
struct flow_function {
    struct lint_node *node;
    struct flow_function *next; /* in the order of the source, backwards */
    bool
        known; /* all of its calls are seen: a local that is never anything else, and only called */
    bool called;     /* by what can be reached */
    bool registered; /* with register_function: KEYS and ARGV are its first two parameters */
    bool running;
    uint8_t reruns; /* in this round */
    uint32_t round; /* in which it was run last */
    size_t parameter_count;
    const struct fact **parameters; /* joined over the calls; NULL: none yet */
    const struct fact *dots;
    bool returns; /* some path comes to an end */
    bool single;  /* and all that do give exactly one value */
    struct flow_values results;
};

/* A table of the source. Hangs at its TABLE's `user`; the shape comes first. */
enum { FLOW_FIELDS = 32 };
struct flow_field {
    const struct fact *key; /* a constant */
    const struct fact *value;
    bool sure; /* the constructor puts something there; else it may be absent */
    struct flow_field *next;
};
struct flow_table {
    struct lint_shape shape;
    struct flow_field *fields;
    size_t field_count;
    const struct fact *list;  /* what stands at indices that are not constant, or NULL */
    const struct fact *named; /* what stands at names that are not, or NULL */
};

struct flow_binding {
    const struct fact *fact;
    uint32_t frame; /* the run of a function it holds in */
};
struct flow_change {
    uint32_t id;
    struct flow_binding old;
};
struct flow_delta {
    uint32_t id;
    const struct fact *fact;
};
/* Of variables, at the end of branches that are to be joined. */
struct flow_deltas {
    struct flow_delta *at;
    size_t count, room;
};
struct flow_write {
    uint32_t offset, id;
};

/* The loop that `break` ends. */
struct flow_loop {
    bool open;   /* there is one */
    size_t base; /* of the trail, where it began */
    size_t live; /* breaks that can be reached, whose deltas are in flow->breaks */
};

enum {
    FLOW_ELEMENTS = 64
}; /* of KEYS and ARGV together that are followed as if they were variables */

struct flow {
    struct arena *arena;
    struct lint_tree *tree;
    enum lint_source_kind kind;
    bool failed, dirty, tired, last;
    bool resp3;                   /* it calls setresp */
    bool handed_on;               /* KEYS or ARGV, to what is not known */
    bool mixed;                   /* a name may stand for one of them, or for something else */
    bool keys_set, arguments_set; /* elements of KEYS, ARGV are assigned */
    bool dead;                    /* what is run now cannot be reached */
    uint64_t work, patience;
    uint32_t round, frame, frames;
    unsigned depth; /* of functions that are run from where they are called */

    struct fact **facts;
    size_t fact_count, fact_room;
    struct fact unknown_room;
    const struct fact *nothing; /* no path at all */
    const struct fact *unknown;
    const struct fact *nil, *no, *yes, *number, *whole, *string, *boolean;

    /* By variable id, and behind those the first elements of KEYS and ARGV. */
    size_t ids;
    struct flow_binding *now;
    const struct fact **joined; /* all that it was ever given; of captured ones */
    bool *shared;               /* assigned in a function inside its own: never in `now` */
    const struct lint_variable **variables;
    /* For flow_bindings.c: */
    uint32_t *stamps, stamp;
    uint32_t *counts;
    const struct fact **sums;
    struct flow_change *trail;
    size_t trail_count, trail_room;
    struct flow_deltas branches, breaks;

    struct flow_write *writes; /* assignments in the order of the source */
    size_t write_count, write_room;
    struct flow_function *functions; /* the last one first */
    struct flow_function *function;  /* that is run; NULL: the chunk */
    struct flow_loop loop;           /* the innermost */
};

/* ---- facts (flow_fact.c, flow_letters.c) */

/* The one that equals `fact`. Takes out what belongs to no type it has. */
const struct fact *flow_keep(struct flow *flow, const struct fact *fact);
const struct fact *flow_join(struct flow *flow, const struct fact *a, const struct fact *b);
/* Joins into what holds for the whole source; true if that grew, and then the round is not the last. */
bool flow_grow(struct flow *flow, const struct fact **into, const struct fact *fact);
const struct fact *flow_doubt(struct flow *flow,
                              const struct fact *fact); /* or something unknown */
/* Without the bound of its number. */
const struct fact *flow_unbound(struct flow *flow, const struct fact *fact);
const struct fact *flow_types(struct flow *flow, unsigned types, unsigned origins);
const struct fact *flow_with_origins(struct flow *flow, const struct fact *fact, unsigned origins);
const struct fact *flow_text(struct flow *flow, const char *text, size_t size, unsigned origins);
const struct fact *flow_number(struct flow *flow, double number, unsigned origins);
static inline bool flow_is_nothing(const struct fact *fact)
{
    return fact->value.types == 0 && !fact->value.unknown;
}
bool flow_is_number(const struct fact *fact); /* a constant one */
bool flow_is_text(const struct fact *fact);   /* likewise */
bool flow_text_is(const struct fact *fact, const char *text);
bool flow_only(const struct fact *fact, unsigned types); /* all paths known, and of these types */

/* Letters: n whole number, f number, s string, d digits, b boolean, y true, z false, 0 nil, t table, o table
 * with `ok`, u userdata, x function, ? unknown; behind a colon what a table's elements are: all of
 * them, or one after the other with `|` between; behind `>` what theirs are. Ends at `,`. */
struct fact flow_letters(const char *letters);
const struct fact *flow_read(struct flow *flow, const char *letters, unsigned origins);

/* ---- bindings (flow_bindings.c) */

const struct fact *flow_get(struct flow *flow, uint32_t id);
void flow_set(struct flow *flow, uint32_t id,
              const struct fact *fact); /* for a while: a refinement */
void flow_assign(struct flow *flow, const struct lint_variable *variable, const struct fact *fact);
size_t flow_mark(const struct flow *flow);
void flow_undo(struct flow *flow, size_t mark);
/* Adds what changed since a mark; of what is dead nothing. */
bool flow_collect(struct flow *flow, size_t mark, struct flow_deltas *into);
void flow_add_delta(struct flow *flow, struct flow_deltas *into, struct flow_delta delta);
/* Where `live` branches meet, which are into->at[from …]. None: it is dead from here on. */
void flow_meet(struct flow *flow, struct flow_deltas *deltas, size_t from, size_t live);

/* ---- the rest */

bool flow_scan(struct flow *flow);
bool flow_complete(struct flow *flow); /* gives the nodes that no run came to their value */

void flow_block(struct flow *flow, struct lint_node *first);
void flow_run_loop(struct flow *flow, struct lint_node *node);

const struct fact *flow_expression(struct flow *flow, struct lint_node *node);
/* All of a list, the last of which may give several. */
void flow_list(struct flow *flow, struct lint_node *first, struct flow_values *out);
const struct fact *flow_nth(const struct flow_values *values, size_t index);
void flow_one(struct flow *flow, const struct fact *fact, struct flow_values *out);
void flow_any(struct flow *flow, const struct fact *fact, struct flow_values *out);
const struct fact *flow_note(struct flow *flow, struct lint_node *node, const struct fact *fact);

const struct fact *flow_binary(struct flow *flow, enum lint_operator op, const struct fact *left,
                               const struct fact *right);
const struct fact *flow_unary(struct flow *flow, enum lint_operator op, const struct fact *operand);

/* A fact where it is known to be true (or not). */
const struct fact *flow_when(struct flow *flow, const struct fact *fact, bool truth);
/* The same of all variables in a condition. The state may die. */
void flow_refine(struct flow *flow, struct lint_node *condition, bool truth);
void flow_refine_fact(struct flow *flow, struct lint_node *node, const struct fact *fact);

/* Of an INDEX of KEYS or ARGV by a constant: the variable it is followed as. */
bool flow_element_id(struct flow *flow, const struct fact *object, const struct fact *key,
                     uint32_t *id);
/* An element of KEYS or ARGV, by an index that is known or 0. */
const struct fact *flow_argument(struct flow *flow, bool keys, uint32_t index);
const struct fact *flow_index(struct flow *flow, const struct fact *object, const struct fact *key);
void flow_index_set(struct flow *flow, const struct fact *object, const struct fact *key,
                    const struct fact *value, bool behind);
/* Any one of its elements; of its list, or of all of them. */
const struct fact *flow_element(struct flow *flow, const struct fact *table, bool list);

void flow_call(struct flow *flow, struct lint_node *node, const struct fact *callee,
               struct flow_values *out);
void flow_call_function(struct flow *flow, struct flow_function *function,
                        const struct flow_values *arguments, struct flow_values *out);
void flow_function_value(struct flow *flow, struct lint_node *node);
void flow_run_function(struct flow *flow, struct flow_function *function);
void flow_return(struct flow *flow, const struct flow_values *values);

/* A global, or a member of a library; NULL: not of the sandbox. */
const struct fact *flow_builtin(struct flow *flow, const char *library, const char *name,
                                size_t size);
const char *flow_builtin_name(const char *name); /* the same text, to keep; NULL: there is none */
/* Of a CALL or METHOD. */
void flow_call_builtin(struct flow *flow, struct lint_node *node, const char *name,
                       const struct flow_values *arguments, struct flow_values *out);
const struct fact *flow_reply(struct flow *flow, const struct lint_node *call, bool protected);

/* Where they are lost from sight, anything may happen to them: tables, and what is in them. */
void flow_escape(struct flow *flow, const struct fact *fact);
const struct fact *flow_make_table(struct flow *flow, struct lint_node *node);
const struct fact *flow_table_get(struct flow *flow, const struct fact *table,
                                  const struct fact *key);
void flow_table_set(struct flow *flow, const struct fact *table, const struct fact *key,
                    const struct fact *value, bool behind);

#endif
