<?php

namespace Amm\Laravel\Config;

use Amm\Laravel\Route;
use Illuminate\Support\Arr;
use InvalidArgumentException;

/**
 * Reads a connection of database.php, in Laravel's own read / write structure, as a cluster.
 */
final class ClusterConfig
{
    /**
     * The flavours that have, or may turn out to have, several writers by design.
     */
    private const MULTI_WRITER = ['galera', 'group_replication', 'auto'];

    /**
     * The endpoints for writes, by node id.
     *
     * @var array<string, Endpoint>
     */
    private array $writers;

    /**
     * The endpoints for reads, by node id.
     *
     * @var array<string, Endpoint>
     */
    private array $readers;

    /**
     * Create a new cluster configuration instance.
     *
     * @param  array<string, mixed>  $config  one connection of database.php
     */
    public function __construct(private array $config, private ?string $name)
    {
        $this->writers = $this->endpoints('write');

        $this->readers = isset($config['read']) ? $this->endpoints('read') : [];
    }

    /**
     * Determine if the connection asks for the extension.
     *
     * @param  array<string, mixed>  $config
     */
    public static function isWanted(array $config): bool
    {
        $amm = $config['amm'] ?? false;

        if (is_bool($amm) || is_array($amm)) {
            return $amm !== false;
        }

        throw new InvalidArgumentException(
            'The "amm" key of a database connection must be true, false or an array, '.get_debug_type($amm).' given.'
        );
    }

    /**
     * Get the connection's configuration with one host per role and the way to the cluster.
     *
     * @return array<string, mixed>
     */
    public function routed(): array
    {
        $cluster = new LazyCluster($this->clusterName(), $this->definition());

        $write = $this->first($this->writers) + ['amm' => new Route($cluster, Route::WRITE, $this->writers + $this->readers)];

        if (! isset($this->config['read'])) {
            return $write;
        }

        $read = $this->first($this->readers) + ['amm' => new Route($cluster, Route::READ, $this->readers + $this->writers)];

        return array_merge($this->config, compact('read', 'write'));
    }

    /**
     * Get the cluster's name: that of the connection, in the letters that a cluster may have.
     */
    private function clusterName(): string
    {
        $name = $this->config['name'] ?? $this->name ?? 'default';

        return substr(preg_replace('/[^A-Za-z0-9._-]/', '_', $name), 0, 64);
    }

    /**
     * Get what the extension is told.
     *
     * @return array<string, mixed>
     */
    public function definition(): array
    {
        $definition = is_array($this->config['amm']) ? $this->config['amm'] : [];

        $definition += ['flavour' => 'auto', 'nodes' => $this->nodes()];

        if (count($this->writers) > 1 && in_array($definition['flavour'], self::MULTI_WRITER, true)) {
            $definition += ['writers' => 'spread'];
        }

        $primary = Arr::first($this->writers);

        if ($primary && ! isset($definition['username'])) {
            $definition = array_merge($definition, array_filter(Arr::only($primary->config, ['username', 'password']), 'is_string'));
        }

        if ($primary && $tls = TlsOptions::from($primary->config['options'] ?? [])) {
            $definition += compact('tls');
        }

        return $definition;
    }

    /**
     * Get the nodes: hosts that are only read from are readers whatever they say.
     *
     * @return list<array<string, mixed>>
     */
    private function nodes(): array
    {
        $nodes = [];

        foreach ($this->writers as $endpoint) {
            $nodes[] = $endpoint->node();
        }

        foreach (array_diff_key($this->readers, $this->writers) as $endpoint) {
            $nodes[] = $endpoint->node() + ['role' => 'reader'];
        }

        return $nodes;
    }

    /**
     * Get the endpoints of a role, by node id; a host that is named twice counts once.
     *
     * @return array<string, Endpoint>
     */
    private function endpoints(string $role): array
    {
        $section = $this->config[$role] ?? [];

        $endpoints = [];

        foreach (isset($section[0]) ? $section : [$section] as $merge) {
            $config = Arr::except(array_merge($this->config, $merge), ['read', 'write', 'amm']);

            foreach ($this->hosts($config) as $host) {
                $endpoint = Endpoint::parse($host, $config);

                $endpoints[$endpoint->id()] ??= $endpoint;
            }
        }

        return $endpoints;
    }

    /**
     * Get the hosts of one section: those listed under "amm.nodes", or else Laravel's own.
     *
     * @param  array<string, mixed>  $config
     * @return list<mixed>
     */
    private function hosts(array $config): array
    {
        if (isset($this->config['amm']['nodes'])) {
            return array_values(Arr::wrap($this->config['amm']['nodes']));
        }

        $hosts = array_values(Arr::wrap($config['host'] ?? 'localhost'));

        if (count($hosts) > 1 && ! empty($config['unix_socket'])) {
            throw new InvalidArgumentException(
                'A database connection with several hosts cannot use "unix_socket", which names one server.'
            );
        }

        return $hosts;
    }

    /**
     * Get the configuration of the first endpoint, which stands for all where one host is expected.
     *
     * @param  array<string, Endpoint>  $endpoints
     * @return array<string, mixed>
     */
    private function first(array $endpoints): array
    {
        $first = Arr::first($endpoints);

        return $first ? $first->config : Arr::except($this->config, ['read', 'write', 'amm']);
    }
}
