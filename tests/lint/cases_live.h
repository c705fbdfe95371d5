#ifndef LINT_CASES_LIVE_H
#define LINT_CASES_LIVE_H

#include "cases.h"
#include "server.h"

/* Runs a case on a server that is emptied first, after its setup and with its configuration, as EVAL or, if
 * `library`, by FUNCTION LOAD and FCALL of its f. What was answered, as redis-cli shows it to people but on one
 * line, in fresh memory. Ends the program if setup or configuration are refused. */
char *lint_case_answer(const ts_server *server, const struct lint_case *c, bool library);

#endif
