<?php

namespace Amm\Laravel\Events;

/**
 * A node is about to be dialled.
 */
final class Dialing
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
    ) {
    }
}
