<?php

namespace App;

use Amm\Cluster;
use Amm\Laravel\Config\ClusterConfig;
use Illuminate\Http\JsonResponse;

/**
 * Shows what the extension knows of the cluster.
 */
final class StatusController
{
    public function __invoke(): JsonResponse
    {
        return new JsonResponse(self::status());
    }

    /**
     * @return array<string, mixed>
     */
    public static function status(): array
    {
        if (! extension_loaded('amm')) {
            return ['error' => 'the extension is not loaded'];
        }

        $config = config('database.connections.mysql');

        return Cluster::define('mysql', (new ClusterConfig($config, 'mysql'))->definition())->status();
    }
}
