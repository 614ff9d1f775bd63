<?php

namespace Amm\Laravel\Connectors;

use Illuminate\Database\Connectors\MariaDbConnector;

final class MariaDbDialler extends MariaDbConnector
{
    use DialsOnce;
}
