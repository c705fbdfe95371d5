# Doxygen's input filter for include/vouch: turns comments as people write them into what Doxygen reads. Every line
# stays where it is, so that a warning names the line of the header.
#
#   /* … */ first in the file                  is about the file
#   /* … */ on the line before a declaration   is about it
#   /* … */ behind a member, a value, a macro  is about that
#   /* ---- title ---- … */                    begins a group, which the next one or VOUCH_END ends
#   X(value, NAME, "sentence") of a …_MAP      is about the value NAME where the map is used
#
# Inside, `word` is code, lines that begin with '-' are a list, and other lines further in than the text are a table,
# shown as they are. A name with a '_' at its end, VOUCH_PP_…, and a field called `reserved` are nobody's business.

# linked TEXT: each whole name of ours becomes a link, and an error if there is nothing of that name
function linked(text,    out, name, rest) {
    while (match(text, /(vouch|VOUCH)_[A-Za-z0-9_]*[A-Za-z0-9]/)) {
        name = substr(text, RSTART, RLENGTH)
        rest = substr(text, RSTART + RLENGTH)
        out = out substr(text, 1, RSTART - 1) (rest ~ /^(_|…|\(|\.h)/ ? "" : "#") name
        text = rest
    }
    return out text
}

# escaped TEXT: without what Doxygen would take for a command or a tag
function escaped(text,    parts, n, i, out) {
    gsub(/[\\@<>#%&$]/, "\\\\&", text)
    text = linked(text)
    n = split(text, parts, "`")
    out = parts[1]
    for (i = 2; i <= n; i++)
        out = out (i % 2 == 0 ? "<tt>" : "</tt>") parts[i]
    return out
}

# put OPENING, FROM, CLOSING: the comment in comment[1 … lines], between these two, its first line behind the code FROM
function put(opening, from, closing,    i, text, indent, list, table, shown, next_text) {
    sub(/\*\/[ \t]*$/, "", comment[lines])
    for (i = 1; i <= lines; i++) {
        text = comment[i]
        if (i > 1) sub(/^ \*/, "", text)
        match(text, /^ */)
        indent = RLENGTH
        list = i > 1 && indent > 1 && !table && (list || substr(text, indent + 1) ~ /^- /)
        if (i > 1 && indent > 1 && !list && opening !~ /</) {
            text = (table ? "" : " * @verbatim ") text
            shown = table = 1
            next_text = i < lines ? comment[i + 1] : ""
            sub(/^ \*/, "", next_text)
            if (next_text !~ /^  +[^ ]/) {
                text = text " @endverbatim"
                table = 0
            }
        } else {
            text = escaped(text)
            shown = 0
        }
        print (i == 1 ? from opening : shown ? "" : " * ") text (i == lines ? closing " */" : "")
    }
}

# put_plainly: as it was, which Doxygen does not read
function put_plainly(    i) {
    for (i = 1; i <= lines; i++) print (i == 1 ? "/*" : "") comment[i]
}

# gather LINE: the comment that begins in LINE, into comment[]; afterwards `after` is the line behind it
function gather(line) {
    lines = 1
    sub(/^.*\/\*/, "", line)
    comment[1] = line
    while (comment[lines] !~ /\*\/[ \t]*$/) {
        if ((getline line) <= 0) break
        comment[++lines] = line
    }
    has_after = (getline after) > 0
}

# end_group: what is put before the line that follows a group
function end_group(    was) {
    was = in_group
    in_group = 0
    return was ? "/** @} */ " : ""
}

function put_group(    title) {
    title = comment[1]
    gsub(/^ -+ | -+( \*\/)?[ \t]*$/, "", title)
    comment[1] = lines == 1 ? " */" : ""
    put(end_group() "/** @name " title, "")
    printf "/** @{ */ "
    in_group = 1
}

# hidden LINE: nobody's business
function hidden(line) {
    return line ~ /^#define +(VOUCH_PP_|VOUCH_X\(|VOUCH_(API|MUST|BEGIN|END)( |$)|[A-Z_]+_H$|[A-Za-z_]+_[ (])/ ||
        line ~ /^ *VOUCH_[A-Z_]+_LAST_ = / || line ~ /^ *uint[0-9]+_t reserved(\[[0-9]+\])?;/
}

function remember_map(line,    row, name, text) {
    while (match(line, /X\([0-9]+, [A-Z_]+, "[^"]*"\)/)) {
        row = substr(line, RSTART + 2, RLENGTH - 3)
        line = substr(line, RSTART + RLENGTH)
        name = row
        sub(/^[0-9]+, /, "", name)
        text = name
        sub(/,.*/, "", name)
        sub(/^[^"]*"/, "", text)
        sub(/"$/, "", text)
        rows[map] = rows[map] prefix_mark name " = " (row + 0) ", /**< " escaped(text) " */ "
    }
}

# unnamed LINE: Doxygen does not miss the words about a value of an enum; so a link to nowhere misses them
function unnamed(line) {
    if (line ~ /enum.*\{$/) in_enum = 1
    if (line ~ /^ *\}/) in_enum = 0
    if (!in_enum || spoken || line !~ /^ *VOUCH_[A-Z0-9_]+( = [^,]*)?,?$/) return ""
    gsub(/[ ,]|=.*/, "", line)
    return " /**< #" line "_is_not_documented */"
}

function code(line,    before, used) {
    if (line ~ /^#define VOUCH_X\(/) {
        prefix = line
        sub(/^[^)]*\) */, "", prefix)
        sub(/##.*/, "", prefix)
    }
    if (line ~ /^#define VOUCH_[A-Z]+_MAP\(X\)/) {
        map = line
        sub(/^#define /, "", map)
        sub(/\(.*/, "", map)
    } else if (map != "" && line ~ /^ *X\(/) {
        remember_map(line)
    } else if (line ~ /^ *VOUCH_[A-Z]+_MAP\(VOUCH_X\)/) {
        used = line
        gsub(/^ *|\(.*/, "", used)
        line = rows[used]
        gsub(prefix_mark, prefix, line)
    }
    if (hidden(line) || hiding) {
        hiding = line ~ /\\$/
        print ""
        return
    }
    if (line ~ /^VOUCH_END/) line = end_group() line
    print line unnamed(line)
}

BEGIN { prefix_mark = "\001" }

{
    line = $0
    for (;;) {
        if (!hiding && line ~ /^ *\/\*/) {
            gather(line)
            match(line, /^ */)
            if (!begun) {
                sub(/^ *vouch\/[a-z]+\.h: */, " ", comment[1])
                put("/**", "", " @file")
            } else if (comment[1] ~ /^ ----/) {
                put_group()
            } else if (comment[1] ~ /clang-format/ || !has_after || after ~ /^[ \t]*$/) {
                put_plainly()
            } else {
                put("/**", substr(line, 1, RLENGTH))
                spoken = 1
            }
            begun = 1
            if (!has_after) next
            line = after
            continue
        }
        if (!hiding && line ~ /[^ ].*\/\*/ && !hidden(line)) {
            before = line
            sub(/ *\/\*.*/, " ", before)
            gather(line)
            put("/**<", before)
            if (!has_after) next
            line = after
            continue
        }
        code(line)
        spoken = 0
        next
    }
}
