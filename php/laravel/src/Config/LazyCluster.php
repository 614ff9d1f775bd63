<?php

namespace Amm\Laravel\Config;

use Amm\Cluster;

/**
 * The cluster of a connection, defined when it is first needed.
 *
 * The handles for reads and for writes share it, and it stays the same object for as long as
 * the connection lives, since it is the one that knows which node each handle talks to.
 */
final class LazyCluster
{
    private ?Cluster $cluster = null;

    /**
     * Create a new lazy cluster instance.
     *
     * @param  array<string, mixed>  $definition
     */
    public function __construct(public string $name, private array $definition)
    {
    }

    /**
     * Get the cluster.
     */
    public function get(): Cluster
    {
        return $this->cluster ??= Cluster::define($this->name, $this->definition);
    }

    /**
     * Keep the credentials out of dumps.
     *
     * @return array<string, mixed>
     */
    public function __debugInfo(): array
    {
        return ['name' => $this->name];
    }
}
