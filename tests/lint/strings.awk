# The Lua scripts in a C source: every run of string literals that calls a command goes to a file of its own,
# <prefix>-<line>.lua. awk -v prefix=<path> -f strings.awk <source>
function keep() {
    if (text ~ /redis\.call\(/) {
        file = prefix "-" began ".lua"
        printf "%s", text > file
        close(file)
    }
    text = ""
}

# The literal that begins behind the quote at `i` of the line; where it ended.
function literal(line, i,    c) {
    for (i++; i <= length(line); i++) {
        c = substr(line, i, 1)
        if (c == "\"")
            return i
        if (c == "\\") {
            c = substr(line, ++i, 1)
            c = c == "n" ? "\n" : c == "t" ? "\t" : c
        }
        text = text c
    }
    return i
}

{
    for (i = 1; i <= length($0); i++) {
        c = substr($0, i, 1)
        two = substr($0, i, 2)
        if (comment) {
            if (two == "*/") {
                comment = 0
                i++
            }
        } else if (two == "//") {
            break
        } else if (two == "/*") {
            comment = 1
            i++
        } else if (c == "\"") {
            if (text == "")
                began = NR
            i = literal($0, i)
        } else if (c == "'") {
            i += substr($0, i + 1, 1) == "\\" ? 3 : 2
            keep()
        } else if (c !~ /[ \t]/) {
            keep()
        }
    }
}
END { keep() }
