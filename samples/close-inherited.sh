# To be read with `source`: for scripts that start a server.

# A server outlives its caller. If it kept open what the caller had open, then whoever waits for the end of a pipe or socket to learn that a
# script is done would wait for the server's end. A lock may be among it; 255 is bash's own, which it lets no program inherit.
close_inherited() {
    local path descriptor
    for path in /proc/self/fd/*; do
        descriptor=${path##*/}
        ((descriptor <= 2 || descriptor == 255)) || exec {descriptor}>&-
    done
}
