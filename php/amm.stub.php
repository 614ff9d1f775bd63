<?php

/**
 * Stubs of the amm extension, for IDEs and static analysers. Never load this file at run time.
 *
 * `tests/phpt/load/stubs_equal_reflection.phpt` compares it with what the extension declares.
 */

namespace Amm {

    /**
     * A cluster: the group of servers that holds one replicated data set, as every PHP process of this host sees it.
     *
     * Define it (or name it in the file of `amm.config`), dial through {@see connect()}, report what goes wrong:
     *
     * ```php
     * $cluster = Amm\Cluster::define('main', [
     *     'flavour' => 'galera',
     *     'writers' => 'spread',
     *     'nodes' => ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
     *     'username' => 'app', 'password' => $secret,
     * ]);
     *
     * $pdo = $cluster->connect(fn (Amm\Node $node, float $secondsLeft) => new PDO(
     *     "mysql:host={$node->host};port={$node->port};dbname=shop", 'app', $secret,
     *     [PDO::ATTR_TIMEOUT => max(1, (int) ceil($secondsLeft))],
     * ));
     * ```
     */
    final class Cluster
    {
        /** Use {@see define()} or {@see get()}. */
        private function __construct() {}

        /**
         * Defines a cluster for the running request and returns it.
         *
         * Defining the same again costs a few microseconds. The name belongs to the running request and may be bound
         * anew; objects made earlier stay what they were. What the host knows of the servers is kept by flavour and
         * nodes alone, so other settings may change without losing it.
         *
         * Durations are strings with a unit (`"500ms"`, `"2s"`, `"1m"`) or plain numbers of seconds.
         *
         * A node is `"host"`, `"host:port"`, `"[IPv6]:port"`, the absolute path of a Unix socket, or a map.
         *
         * `$cluster = Cluster::define('main', ['flavour' => 'galera', 'nodes' => ['10.0.0.1', '10.0.0.2:3307']]);`
         *
         * @param non-empty-string $name 1 to 64 letters, digits, `.`, `_` or `-`
         * @param array{
         *     flavour?: 'galera'|'read_only'|'group_replication'|'aurora'|'auto',
         *     writers?: 'single'|'spread',
         *     nodes: non-empty-list<non-empty-string|array{
         *         host?: non-empty-string,
         *         port?: int<1, 65535>,
         *         weight?: int<1, 1000>,
         *         priority?: int<-1000, 1000>,
         *         zone?: string,
         *         role?: 'writer'|'reader',
         *         admin?: 'enabled'|'draining'|'disabled',
         *         socket?: non-empty-string
         *     }>,
         *     username?: string,
         *     password?: string,
         *     probe_interval?: string|int|float,
         *     probe_interval_suspect?: string|int|float,
         *     probe_timeout?: string|int|float,
         *     connect_timeout?: string|int|float,
         *     connect_deadline?: string|int|float,
         *     failures_to_open?: int<1, 100>,
         *     backoff?: array{base?: string|int|float, max?: string|int|float, jitter?: float},
         *     hold_down?: string|int|float,
         *     slow_start?: string|int|float,
         *     cut?: 'witnessed'|'always'|'never',
         *     cut_after?: string|int|float,
         *     cut_unwitnessed_after?: string|int|float,
         *     sticky?: array{scope?: 'request', ttl?: string|int|float},
         *     failback?: 'auto'|'manual',
         *     multi_source?: bool,
         *     tls?: array{ca?: string, cert?: string, key?: string, verify?: bool},
         *     max_lag?: string|int|float,
         *     discover?: bool,
         *     discover_hosts?: list<string>,
         *     idle_after?: string|int|float,
         *     conflicts?: 'count'|'adaptive',
         *     secret?: string
         * } $config
         *
         * @throws Exception\ConfigError  naming the key, what was given and what is accepted
         * @throws Exception\AmmException if `amm.enabled` is off
         */
        public static function define(string $name, array $config): self {}

        /**
         * Returns a cluster defined in this request or in the file of `amm.config`.
         *
         * `$cluster = Cluster::get('main');`
         *
         * @throws Exception\UnknownCluster naming those that are known
         * @throws Exception\AmmException   if `amm.enabled` is off
         */
        public static function get(string $name): self {}

        /**
         * Returns the names of all clusters known to this request.
         *
         * `foreach (Cluster::names() as $name) { print_r(Cluster::get($name)->status()); }`
         *
         * @return list<string>
         */
        public static function names(): array {}

        /**
         * Picks the node to write to. Without I/O, unless no node is known to be writable: then it may ask one, or wait
         * for what another process finds out, for `connect_deadline` at most.
         *
         * Within a scope the answer is the same object for as long as it is current. Without a key the scope's own
         * random key decides; with a key, every host that sees the same health picks the same node.
         *
         * `$node = $cluster->writer("customer:$id");`
         *
         * @throws Exception\NoWriterAvailable saying why, node by node
         */
        public function writer(?string $key = null): Node {}

        /**
         * Picks the node to read from; a writer where there is no reader.
         *
         * `$node = $cluster->reader();`
         *
         * @throws Exception\NoWriterAvailable if no node can be read from
         */
        public function reader(?string $key = null): Node {}

        /**
         * Returns all nodes worth trying for a write, best first.
         *
         * `foreach ($cluster->candidates() as $node) { echo $node->id, "\n"; }`
         *
         * @return list<Node>
         */
        public function candidates(?string $key = null): array {}

        /**
         * Picks a writer, dials it through the callable, and goes on to the next one while dials fail.
         *
         * `$dial` gets the node and the seconds left for this dial, and returns the connected handle, which is what
         * connect() returns. No node is dialled twice in one call. An error that is the caller's own (1044, 1045,
         * 1049 …) and any other unexpected throwable is rethrown as it is, and the node is not blamed.
         *
         * `$pdo = $cluster->connect(fn (Node $node, float $secondsLeft) => dial($node, $secondsLeft));`
         *
         * @template T
         *
         * @param callable(Node, float): T $dial
         *
         * @return T
         *
         * @throws Exception\NoWriterAvailable saying why, node by node
         * @throws Exception\DeadlineExceeded  after `connect_deadline`
         * @throws \Throwable                  what `$dial` threw, if it says nothing about the node
         */
        public function connect(callable $dial, ?string $key = null): mixed {}

        /**
         * The same for a reader, falling back to a writer.
         *
         * `$pdo = $cluster->connectReader(fn (Node $node, float $secondsLeft) => dial($node, $secondsLeft));`
         *
         * @template T
         *
         * @param callable(Node, float): T $dial
         *
         * @return T
         *
         * @throws Exception\NoWriterAvailable saying why, node by node
         * @throws Exception\DeadlineExceeded  after `connect_deadline`
         * @throws \Throwable                  what `$dial` threw, if it says nothing about the node
         */
        public function connectReader(callable $dial, ?string $key = null): mixed {}

        /**
         * Returns the node that a handle talks to; null for a handle that this cluster's connect() did not return.
         *
         * `echo $cluster->nodeOf($pdo)?->id;`
         */
        public function nodeOf(object $handle): ?Node {}

        /**
         * Records what happened on a node, for all processes of the host, and says how it was understood.
         *
         * Takes the throwable as it came (PDOException, mysqli_sql_exception, or one that wraps them) or an errno.
         *
         * `if ($cluster->report($node, $e) === Verdict::NotWritable) { $pdo = $cluster->connect($dial); }`
         *
         * @throws Exception\AmmException if the node belongs to another cluster
         */
        public function report(Node $node, \Throwable|int $error): Verdict {}

        /**
         * Records that a node answered as it should.
         *
         * `$cluster->succeeded($node);`
         *
         * @throws Exception\AmmException if the node belongs to another cluster
         */
        public function succeeded(Node $node): void {}

        /**
         * Says that this scope wrote: its reads go to the writer from now on.
         *
         * `$pdo->exec('INSERT …'); $cluster->wrote();`
         */
        public function wrote(): void {}

        /**
         * Returns what a session or a cookie carries so that a later request finds this scope's writer again: signed,
         * opaque, at most 120 characters of [A-Za-z0-9_-], good for sticky.ttl.
         *
         * `$_SESSION['amm'] = $cluster->token();`
         *
         * @throws Exception\ConfigError if neither amm.secret nor the key secret is set
         * @throws Exception\NoWriterAvailable if the scope has no writer yet and none is available
         */
        public function token(): string {}

        /**
         * Goes on with the writer that a token names, and with its reads if the scope that made it had written.
         *
         * False, and the next choice starts anew, if the token is forged, expired or of another cluster, if its writer
         * has changed since, or without a secret. Never an exception.
         *
         * `$cluster->resume($_SESSION['amm'] ?? '');`
         */
        public function resume(string $token): bool {}

        /**
         * Tells whether the node's writability is unchanged since it was picked, without I/O, in nanoseconds.
         *
         * Takes a Node or a handle that connect() returned; false for any other object.
         *
         * `if (! $cluster->isCurrent($pdo)) { $pdo = $cluster->connect($dial); }`
         */
        public function isCurrent(object $nodeOrHandle): bool {}

        /**
         * Tells whether a handle is current and its peer has not closed the connection: one non-blocking peek.
         *
         * Ask it before the first write on a handle that was kept between requests or jobs.
         *
         * `if (! $cluster->isAlive($pdo)) { $pdo = $cluster->connect($dial); }`
         */
        public function isAlive(object $handle): bool {}

        /**
         * Tells whether this process shut the handle's socket because its node was gone: what the handle was doing is in
         * doubt, and the call that was stuck on it has failed.
         *
         * False for handles that connect() did not return, and for those lost in any other way.
         *
         * `if ($cluster->wasCut($pdo)) { throw new Exception\WriteInDoubt('...', 0, $e); }`
         */
        public function wasCut(object $handle): bool {}

        /**
         * Operators: takes no new users onto a node and keeps those that are stuck to it.
         *
         * `$cluster->drain('10.0.0.2:3306');`
         *
         * @param string $node the node's id
         *
         * @throws Exception\AmmException if there is no such node, naming those there are
         */
        public function drain(string $node): void {}

        /**
         * Operators: undoes {@see drain()} and {@see disable()}.
         *
         * `$cluster->enable('10.0.0.2:3306');`
         *
         * @param string $node the node's id
         *
         * @throws Exception\AmmException if there is no such node, naming those there are
         */
        public function enable(string $node): void {}

        /**
         * Operators: takes everyone off a node; handles to it are no longer current.
         *
         * `$cluster->disable('10.0.0.2:3306');`
         *
         * @param string $node the node's id
         *
         * @throws Exception\AmmException if there is no such node, naming those there are
         */
        public function disable(string $node): void {}

        /**
         * Returns everything an operator wants to see, without credentials.
         *
         * `shared` is false where this process works alone, and `shared_reason` says why. `leader` is the process that
         * probes for this host, `deputy` whether another one stands by, `incumbent` the node that `single` has settled
         * on. `probe` is what the last probe of a node came to, `role_reason` why the node is not a writer, `picks` how
         * often it was chosen, `cuts` how often this host's processes were told to shut their sockets to it, `lag_ms`
         * how far it was behind the writers at the last probe (4294967294: its replication is stopped), `at` a Unix time.
         * Ages and times are milliseconds, `rtt_us` is microseconds; null is "not known".
         * The nodes are those of the configuration and, with `discover`, those that the cluster itself listed.
         *
         * `foreach ($cluster->status()['nodes'] as $id => $node) { printf("%s %s\n", $id, $node['health']); }`
         *
         * @return array{
         *     cluster: string,
         *     flavour: 'galera'|'read_only'|'group_replication'|'aurora'|'auto',
         *     writers: 'single'|'spread',
         *     shared: bool,
         *     shared_reason: string|null,
         *     panic: bool,
         *     leader: array{pid: int, heartbeat_age_ms: int}|null,
         *     deputy: bool,
         *     incumbent: non-empty-string|null,
         *     nodes: array<non-empty-string, array{
         *         host: string,
         *         port: int,
         *         zone: string|null,
         *         discovered: bool,
         *         role: 'writer'|'reader'|'unready'|'unknown',
         *         role_reason: string|null,
         *         health: 'up'|'suspect'|'down',
         *         breaker: 'closed'|'open'|'half-open',
         *         admin: 'enabled'|'draining'|'disabled',
         *         writable: bool,
         *         epoch: int,
         *         since_ms: int|null,
         *         probe: 'none'|'answered'|'failed'|'login refused'|'inconclusive'|'role not told',
         *         probe_age_ms: int|null,
         *         rtt_us: int|null,
         *         lag_ms: int|null,
         *         picks: int,
         *         dials: int,
         *         failures: int,
         *         conflicts: int,
         *         cuts: int,
         *         last_error: array{verdict: string, errno: int, at: int}|null
         *     }>,
         *     tokens: array{accepted: int, refused: array<'malformed'|'forged'|'expired'|'foreign'|'stale', int>}|null,
         *     warnings: list<string>
         * }
         *
         * @throws Exception\AmmException if the table of clusters in the shared memory is full
         */
        public function status(): array {}

        /**
         * Begins a scope (a job, a command, a request of a long-lived worker): choices stick to it. Scopes nest.
         *
         * `Cluster::beginScope('job:' . $job->id());`
         */
        public static function beginScope(?string $label = null): void {}

        /**
         * Ends the innermost scope; the one around it gets its own choices back.
         *
         * `Cluster::endScope();`
         */
        public static function endScope(): void {}
    }

    /**
     * One server of a cluster, as it was when it was picked. Truly read-only.
     */
    final class Node
    {
        /** `host:port`, or the path of a local socket; what {@see Cluster::drain()} and its kin take. */
        public readonly string $id;

        /** The host as configured: a name stays a name, for TLS. */
        public readonly string $host;

        /** The host's IP address, as the prober resolved it or as configured; null while it is not known. */
        public readonly ?string $address;

        public readonly int $port;

        /** Grows whenever the node's writability changes; a handle is current while it has not moved. */
        public readonly int $epoch;

        /** The zone given in the configuration. */
        public readonly ?string $zone;

        /** What the node was known to be when it was picked. */
        public readonly Role $role;

        /** Nodes come from a {@see Cluster}. */
        private function __construct() {}
    }

    /**
     * What a node is for.
     */
    enum Role: string
    {
        /** Accepts writes. */
        case Writer = 'writer';

        /** Answers reads only. */
        case Reader = 'reader';

        /** Joining, a blocking donor, not in the primary component, without quorum, recovering. */
        case Unready = 'unready';

        /** Not probed yet, or the probe cannot log in. */
        case Unknown = 'unknown';
    }

    /**
     * What an error says about the node it came from.
     */
    enum Verdict: string
    {
        /** Cannot be reached: refused, reset, no route, timed out, unresolvable, handshake lost. */
        case Down = 'down';

        /** Refused the write: read-only, demoted, not ready. It was not executed. */
        case NotWritable = 'not_writable';

        /** The connection was lost in use; a write that was sent is in doubt. */
        case Lost = 'lost';

        /** Lost a race against another transaction. */
        case Conflict = 'conflict';

        /** Too many connections, or a user's resource limit. */
        case Overloaded = 'overloaded';

        /** The caller's own error; says nothing about the node. */
        case Client = 'client';

        /** Cannot be told. */
        case Unknown = 'unknown';
    }

    /**
     * What errors mean, without recording anything.
     */
    final class Errors
    {
        private function __construct() {}

        /**
         * Classifies by errno, first found along the chain of previous exceptions.
         *
         * `Errors::classify(1290) === Verdict::NotWritable`
         */
        public static function classify(\Throwable|int $error): Verdict {}

        /**
         * Tells whether the same call may succeed on another node.
         *
         * `Errors::retryElsewhere(Verdict::Overloaded) === true`
         */
        public static function retryElsewhere(Verdict $v): bool {}

        /**
         * Tells whether the verdict takes the node out of the choice of writers.
         *
         * `Errors::excludesNode(Verdict::Conflict) === false`
         */
        public static function excludesNode(Verdict $v): bool {}
    }

    /**
     * Probing as a service of its own, for hosts whose pools have `amm.monitor=off`.
     */
    final class Monitor
    {
        private function __construct() {}

        /**
         * Probes in the foreground all clusters of `amm.config` and those defined earlier in this script.
         *
         * It returns after `$seconds`, or upon SIGTERM or SIGINT; a second signal ends the process. Upon SIGHUP it reads
         * the file of `amm.config` again (or ends, if a terminal is attached). It writes to PHP's error log what changes,
         * takes a lease over from other processes only once that is free, and tells systemd that it works
         * (`Type=notify`, `WatchdogSec=`). The value of `amm.monitor` does not matter to it.
         *
         * `php -r 'Amm\Monitor::run();'`
         *
         * @param float|null $seconds null: without end
         *
         * @throws \ValueError            if $seconds is not greater than 0, or not finite
         * @throws Exception\AmmException under a web server, or if there is nothing to probe
         * @throws Exception\ConfigError  if the file of `amm.config` has a mistake
         */
        public static function run(?float $seconds = null): void {}
    }
}

namespace Amm\Exception {

    /**
     * Everything that this extension throws of its own.
     */
    class AmmException extends \RuntimeException {}

    /**
     * A configuration mistake: names the key, what was given and what is accepted.
     */
    class ConfigError extends AmmException {}

    /**
     * No cluster has that name, neither in this request nor in the file of `amm.config`.
     */
    class UnknownCluster extends AmmException {}

    /**
     * No node can be written to; the message says why, node by node. The last dial's error is the previous exception.
     */
    class NoWriterAvailable extends AmmException {}

    /**
     * `connect_deadline` passed before a dial succeeded. The last dial's error is the previous exception.
     */
    class DeadlineExceeded extends AmmException {}

    /**
     * A write was sent and its connection lost before the answer: it may or may not have happened. Never repeat it
     * blindly. Thrown by connectors.
     */
    class WriteInDoubt extends AmmException {}
}
