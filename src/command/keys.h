/*
 * Where the keys of a command are, told from its words alone.
 *
 * Key specs come from the servers; SORT, MIGRATE and GEORADIUS, whose specs are incomplete, are
 * known by hand. Keys that are named by data (SORT's BY and GET patterns, what a script touches
 * undeclared) are not found, as servers do not find them either. Nothing here allocates or does I/O.
 */
#ifndef VOUCH_COMMAND_KEYS_H
#define VOUCH_COMMAND_KEYS_H

#include "command/table.h"

#include <stddef.h>
#include <stdint.h>

enum keys_result {
    KEYS_OK,      /* found: at least one */
    KEYS_NONE,    /* the command has no keys, or these words name none */
    KEYS_UNKNOWN, /* not told by the table: COMMAND GETKEYS on a server knows */
    KEYS_INVALID  /* the server will refuse these words: wrong number of them, or a wrong numkeys */
};

struct key_position {
    size_t index; /* of the word; the command's name is 0 */
    uint32_t
        access; /* of enum key_access: by KEY_CHANNEL alone it is no key, but decides the slot */
};

/*
 * The positions of the keys of argv[0 … argc - 1], argv[0] being the command's name, in the order in
 * which servers list them. *count is how many there are (0 unless KEYS_OK), of which the first max
 * are written to out; out may be NULL if max is 0. command may be NULL: KEYS_UNKNOWN.
 */
enum keys_result command_keys(const struct command *command, size_t argc, const char *const *argv,
                              const size_t *argvlen, struct key_position *out, size_t max,
                              size_t *count);

/* command_first_key for what needs a look at the words; call that one. */
enum keys_result command_search_first_key(const struct command *command, size_t argc,
                                          const char *const *argv, const size_t *argvlen,
                                          size_t *index);

/* Only the first of them: *index is the word that decides the slot. Unlike command_keys it does not
 * look at the words after it, so that KEYS_OK says nothing of those. */
static inline enum keys_result command_first_key(const struct command *command, size_t argc,
                                                 const char *const *argv, const size_t *argvlen,
                                                 size_t *index)
{
    if (command != NULL && command->first_key != 0 && command->first_key < argc) {
        *index = command->first_key;
        return KEYS_OK;
    }
    return command_search_first_key(command, argc, argv, argvlen, index);
}

#endif
