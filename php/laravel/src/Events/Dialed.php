<?php

namespace Amm\Laravel\Events;

use PDO;

/**
 * A node was dialled and the session is set up.
 */
final class Dialed
{
    /**
     * Create a new event instance.
     *
     * @param  string  $cluster  the cluster's name: that of the connection
     * @param  string  $node  the node's id, "host:port"
     */
    public function __construct(
        public string $cluster,
        public string $node,
        public string $host,
        public int $port,
        public PDO $pdo,
    ) {
    }
}
