<?php

namespace Amm\Laravel;

use Amm\Laravel\Config\ClusterConfig;
use Illuminate\Contracts\Container\Container;
use Illuminate\Database\Connectors\ConnectionFactory;

/**
 * Rewrites the configuration of cluster connections before the real factory sees it.
 *
 * The factory shuffles the hosts of a connection and dials one after the other. The extension
 * does that too, knowing which of them live, so the factory gets to see a single host. This is
 * done here and not in the config repository: it also covers connections configured at run
 * time, and leaves config:cache, "artisan db" and schema dumps what they are.
 */
final class ClusterConnectionFactory extends ConnectionFactory
{
    /**
     * Create a new connection factory instance.
     */
    public function __construct(Container $container, private ConnectionFactory $factory)
    {
        parent::__construct($container);
    }

    /**
     * Establish a PDO connection based on the configuration.
     *
     * @param  string|null  $name
     * @return \Illuminate\Database\Connection
     */
    public function make(array $config, $name = null)
    {
        return $this->factory->make(
            ClusterConfig::isWanted($config) ? (new ClusterConfig($config, $name))->routed() : $config,
            $name
        );
    }

    /**
     * Create a connector instance based on the configuration.
     *
     * @return \Illuminate\Database\Connectors\ConnectorInterface
     */
    public function createConnector(array $config)
    {
        return $this->factory->createConnector($config);
    }
}
