<?php

namespace Amm\Laravel;

use Amm\Cluster;
use Amm\Laravel\Config\Endpoint;
use Amm\Laravel\Config\LazyCluster;
use Amm\Node;
use Closure;
use Illuminate\Support\Arr;
use PDO;

/**
 * The way from a connection's configuration to a live node.
 *
 * It stands under the "amm" key of the configuration that a connector and a connection get,
 * and tells both that the extension is in charge.
 */
final class Route
{
    /**
     * What the handles are for.
     */
    public const READ = 'read';

    public const WRITE = 'write';

    /**
     * Create a new route instance.
     *
     * @param  array<string, Endpoint>  $endpoints  by node id, those of the role first
     */
    public function __construct(
        private LazyCluster $cluster,
        private string $role,
        private array $endpoints,
    ) {
    }

    /**
     * Get the route that the given configuration takes, if any.
     *
     * @param  array<string, mixed>  $config
     */
    public static function of(array $config): ?self
    {
        $route = $config['amm'] ?? null;

        return $route instanceof self ? $route : null;
    }

    /**
     * Get the name of the cluster.
     */
    public function name(): string
    {
        return $this->cluster->name;
    }

    /**
     * Get the cluster.
     */
    public function cluster(): Cluster
    {
        return $this->cluster->get();
    }

    /**
     * Pick nodes and dial them until one answers.
     *
     * @param  Closure(Node, float): PDO  $dial
     */
    public function open(Closure $dial): PDO
    {
        return $this->role === self::READ
            ? $this->cluster()->connectReader($dial)
            : $this->cluster()->connect($dial);
    }

    /**
     * Get the configuration to dial a node with.
     *
     * @return array<string, mixed>
     */
    public function config(Node $node, float $secondsLeft): array
    {
        $endpoint = $this->endpoints[$node->id]
            ?? Endpoint::of($node, Arr::first($this->endpoints)->config);

        $config = $endpoint->config;

        // PDO counts whole seconds, and takes zero for its default of thirty. A timeout
        // that the application has set for itself is kept where it is the shorter.
        $timeout = max(1, (int) ceil($secondsLeft));

        if ((int) ($config['options'][PDO::ATTR_TIMEOUT] ?? 0) > 0) {
            $timeout = min($timeout, (int) $config['options'][PDO::ATTR_TIMEOUT]);
        }

        $config['options'] = [PDO::ATTR_TIMEOUT => $timeout] + ($config['options'] ?? []);
        $config['amm'] = $this;

        return $config;
    }

    /**
     * Keep the credentials out of dumps.
     *
     * @return array<string, mixed>
     */
    public function __debugInfo(): array
    {
        return ['cluster' => $this->name(), 'role' => $this->role, 'nodes' => array_keys($this->endpoints)];
    }
}
