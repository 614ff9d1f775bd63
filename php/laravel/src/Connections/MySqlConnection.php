<?php

namespace Amm\Laravel\Connections;

use Illuminate\Database\MySqlConnection as StockMySqlConnection;

final class MySqlConnection extends StockMySqlConnection
{
    use FollowsWriter;
}
