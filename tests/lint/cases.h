#ifndef LINT_CASES_H
#define LINT_CASES_H

#include "vouch/lint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Cases of a rule, as tests/lint/cases/RULE.lua holds them; tests/README.md describes the format. */

enum { CASE_SAYS = 4 };

struct lint_case {
    const char *path; /* borrowed from the caller */
    uint32_t line;    /* of its `---` */
    bool bad;
    bool only, clean; /* nothing of other rules */
    const char *source;
    size_t size;
    const char *target; /* NULL: none is named */
    vouch_lint_kind kind;
    bool numkeys_known;
    uint32_t numkeys;
    uint32_t at_line, at_column; /* 0: anywhere */
    const char *says[CASE_SAYS]; /* NULL at the end, unless it is full */
    const char *live_redis;      /* NULL: is not run there */
    const char *live_valkey;
    const char *setup, *config; /* NULL: none */
};

struct lint_cases {
    struct lint_case *list;
    size_t count;
    bool no_live; /* says why none is run on servers */
    char *text;   /* what all of them point into */
};

/* Reads a file. Returns NULL, or what is wrong, in fresh memory. A file that cannot be read is wrong, too. */
char *lint_cases_read(const char *path, struct lint_cases *cases);
void lint_cases_free(struct lint_cases *cases);

#endif
