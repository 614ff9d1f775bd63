<?php

namespace Amm\Laravel\Connectors;

use Amm\Laravel\Events\Dialed;
use Amm\Laravel\Events\Dialing;
use Amm\Laravel\Route;
use Amm\Node;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Database\Connectors\ConnectorInterface;

/**
 * Dials the nodes that the extension picks, and leaves all other connections alone.
 */
final class ClusterConnector implements ConnectorInterface
{
    /**
     * Create a new cluster connector instance.
     *
     * @param  ConnectorInterface  $connector  the one that dials a single host
     */
    public function __construct(private ConnectorInterface $connector, private Dispatcher $events)
    {
    }

    /**
     * Establish a database connection.
     *
     * @return \PDO
     */
    public function connect(array $config)
    {
        $route = Route::of($config);

        if (! $route) {
            return $this->connector->connect($config);
        }

        return $route->open(function (Node $node, float $secondsLeft) use ($route) {
            $about = [$route->name(), $node->id, $node->host, $node->port];

            $this->tell(new Dialing(...$about));

            $pdo = $this->connector->connect($route->config($node, $secondsLeft));

            $this->tell(new Dialed(...[...$about, $pdo]));

            return $pdo;
        });
    }

    /**
     * Dispatch an event; a listener that fails must not look like a node that does.
     */
    private function tell(object $event): void
    {
        rescue(fn () => $this->events->dispatch($event));
    }
}
