/* What is left of a source about which a server and the parser differ, once all that does not matter is gone. */
#ifndef LINT_SYNTAX_REDUCE_H
#define LINT_SYNTAX_REDUCE_H

#include "buffer.h"
#include "syntax_server.h"

/* Whether the parser refuses a source, as that server should. */
bool syntax_parser_refuses(const struct syntax_server *server, const struct syntax_source *source);
/* Whether the two differ about a source that was asked. */
bool syntax_differs(const struct syntax_server *server, const struct syntax_source *source);
/* Takes out whatever leaves the difference as it is: lines first, bytes last. Asks the server a lot. */
void syntax_reduce(struct syntax_server *server, bool library, ts_buffer *text);

#endif
