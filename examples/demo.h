/* What the parts of the demo share. */
#ifndef DEMO_H
#define DEMO_H

#include "server.h"

#include <stdbool.h>
#include <vouch/vouch.h>

struct demo {
    ts_server *server;
    char url[TS_URL_MAX];
    bool wrong; /* something that was claimed is not so */
};

/* Every claim of the demo goes through here. */
void claim(struct demo *d, bool so, const char *what);
/* Prints why, and returns false. */
bool failed(const char *what, const vouch_error *error);

/* demo_transfer.c: a transfer of money whose connection is cut. False if it could not be tried. */
bool cut_exec(struct demo *d);
/* demo_script.c: scripts that the server forgets. False if it could not be tried. */
bool forget_scripts(struct demo *d);
/* demo_stream.c: workers that are killed, and fall asleep. False if it could not be tried. */
bool kill_workers(struct demo *d);
/* demo_lint.c: a script with a mistake, and the linter. False if it could not be tried. */
bool lint_a_script(struct demo *d);

#endif
